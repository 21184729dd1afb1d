import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandFailed, runQuietly, runVisibly } from "./child.mjs";
import { onPath, prependPath } from "./environment.mjs";
import { buildKey, installKey, unlessStamped } from "./stamps.mjs";

/**
 * Puts a pnpm of the pinned major version on the `PATH` of `env`: the installed one, or else one below `.tools`.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env Changed.
 */
export async function providePnpm(root, env) {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const pin = packageManager.split("@")[1];
  const major = `${pin.split(".")[0]}.`;
  const shell = process.platform === "win32";
  /** @param {string} command */
  const fits = (command) =>
    spawnSync(command, ["--version"], { cwd: root, env, encoding: "utf8", shell })
      .stdout?.trim()
      .startsWith(major);
  if (onPath(["pnpm"], env) && fits("pnpm")) return;

  const bin = join(root, ".tools", "node_modules", ".bin");
  if (!existsSync(join(bin, "pnpm")) || !fits(join(bin, "pnpm"))) {
    const flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
    const tools = join(root, ".tools");
    await runQuietly(
      `Installing pnpm ${pin}`,
      "npm",
      ["install", "--prefix", tools, ...flags, `pnpm@${pin}`],
      { cwd: root, env },
    );
  }
  prependPath(env, bin);
}

/** @param {string} root @param {NodeJS.ProcessEnv} env */
export function ensureInstalled(root, env) {
  return unlessStamped(root, "install", installKey, () =>
    runQuietly("Installing dependencies", "pnpm", ["install", "--frozen-lockfile"], {
      cwd: root,
      env,
    }),
  );
}

/** @param {string} root @param {NodeJS.ProcessEnv} env */
export function ensureBuilt(root, env) {
  return unlessStamped(root, "build", buildKey, () =>
    runQuietly("Building", "pnpm", ["run", "build"], { cwd: root, env }),
  );
}

/**
 * Runs a script of a package like `pnpm run`, but without pnpm, which starts scripts in another process group: a signal
 * from here would not reach them.
 *
 * @param {string} root
 * @param {string} folder
 * @param {string} name
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function runScript(root, folder, name, args, env) {
  const cwd = join(root, folder);
  if (process.platform === "win32") {
    return runVisibly("pnpm", ["run", name, ...args], { cwd, env });
  }
  const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
  const script = manifest.scripts?.[name];
  if (!script)
    throw new CommandFailed(`${manifest.name} ${name}`, 1, `package.json has no script "${name}".`);
  const own = { ...env };
  prependPath(own, join(root, "node_modules", ".bin"));
  prependPath(own, join(cwd, "node_modules", ".bin"));
  // A script of one command replaces the shell, so that no shell waits for it.
  const exec = /^[\w./@-]+( [^;&|<>]*)?$/.test(script) ? "exec " : "";
  return runVisibly("sh", ["-c", `${exec}${script} "$@"`, "sh", ...args], { cwd, env: own });
}
