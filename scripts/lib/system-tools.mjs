import { existsSync } from "node:fs";
import { CommandFailed, runQuietly } from "./child.mjs";
import { onPath } from "./environment.mjs";

/**
 * @typedef {object} SystemTool
 * @property {string} name
 * @property {readonly string[]} binaries The first that is found is used.
 * @property {string} variable The environment variable with the path of the binary. It is set for the tests.
 * @property {string} aptPackage
 * @property {string} purpose
 * @property {boolean} needed Whether a test uses it yet.
 */

/** The tools that tests need and that are not npm packages. @type {readonly SystemTool[]} */
export const SYSTEM_TOOLS = [
  {
    name: "chromium",
    binaries: ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"],
    variable: "CHROMIUM_PATH",
    aptPackage: "chromium",
    purpose: "the browser tests",
    needed: true,
  },
  {
    name: "ffmpeg",
    binaries: ["ffmpeg"],
    variable: "FFMPEG_PATH",
    aptPackage: "ffmpeg",
    purpose: "the video studio's tests",
    needed: true,
  },
  {
    name: "redis",
    binaries: ["redis-server"],
    variable: "REDIS_SERVER_PATH",
    aptPackage: "redis-server",
    purpose: "the redis store's tests",
    needed: true,
  },
  {
    name: "postgres",
    binaries: ["postgres", "pg_ctlcluster"],
    variable: "POSTGRES_PATH",
    aptPackage: "postgresql",
    purpose: "the postgres store's tests",
    needed: true,
  },
  {
    name: "pgbouncer",
    binaries: ["pgbouncer", "/usr/sbin/pgbouncer"],
    variable: "PGBOUNCER_PATH",
    aptPackage: "pgbouncer",
    purpose: "the postgres store's tests behind a pooler",
    needed: true,
  },
  {
    name: "nginx",
    binaries: ["nginx", "/usr/sbin/nginx"],
    variable: "NGINX_PATH",
    aptPackage: "nginx",
    purpose: "the proxy tests",
    needed: true,
  },
];

/** @param {SystemTool} tool @param {NodeJS.ProcessEnv} env */
function find(tool, env) {
  const named = env[tool.variable];
  if (named) return existsSync(named) ? named : undefined;
  return (
    tool.binaries.find((path) => path.startsWith("/") && existsSync(path)) ??
    onPath(tool.binaries, env)
  );
}

/** @param {NodeJS.ProcessEnv} env @param {readonly SystemTool[]} tools */
function missingOf(env, tools) {
  return tools.filter((tool) => tool.needed && !find(tool, env));
}

/** @param {NodeJS.ProcessEnv} env @param {string} cwd @param {readonly SystemTool[]} tools */
async function installWithApt(env, cwd, tools) {
  const options = { cwd, env: { ...env, DEBIAN_FRONTEND: "noninteractive" } };
  const lock = ["-o", "DPkg::Lock::Timeout=300"];
  const packages = tools.map((tool) => tool.aptPackage);
  await runQuietly("Reading the system's package lists", "apt-get", [...lock, "update"], options);
  await runQuietly(
    `Installing ${packages.join(" and ")}`,
    "apt-get",
    [...lock, "install", "-y", "--no-install-recommends", ...packages],
    options,
  );
}

/**
 * Looks for the tools that tests need. Installs missing ones if it can (as root, with apt), or prints how to install
 * them. Sets each tool's variable, and `MISSING_SYSTEM_TOOLS`, for which a test is skipped or fails.
 *
 * @param {NodeJS.ProcessEnv} env Changed.
 * @param {string} cwd
 */
export async function provideSystemTools(env, cwd, tools = SYSTEM_TOOLS) {
  let missing = missingOf(env, tools);
  const mayInstall = process.getuid?.() === 0 && onPath(["apt-get"], env);
  const installable = missing.filter((tool) => !env[tool.variable]);
  if (installable.length > 0 && mayInstall) {
    try {
      await installWithApt(env, cwd, installable);
    } catch (error) {
      if (!(error instanceof CommandFailed) || error.code === 130) throw error;
      // The tests still run, and count what is missing.
      process.stderr.write(`${error.output}\n${error.message}\n`);
    }
    missing = missingOf(env, tools);
  }
  for (const tool of missing) {
    const why = env[tool.variable]
      ? `${tool.variable} is ${env[tool.variable]}, which does not exist.`
      : `Run \`apt-get install ${tool.aptPackage}\`, or set ${tool.variable} to its binary.`;
    process.stderr.write(`Missing: ${tool.name}, for ${tool.purpose}. ${why}\n`);
  }
  for (const tool of tools.filter(({ needed }) => needed)) {
    const path = find(tool, env);
    if (path) env[tool.variable] = path;
  }
  env.MISSING_SYSTEM_TOOLS = missing.map((tool) => tool.name).join(" ");
}
