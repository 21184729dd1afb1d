#!/usr/bin/env node
// Runs the scripts that need only Node and npm, such as `npm start` and `npm test`. It has no dependencies, because it
// runs before they are installed.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandFailed, runVisibly } from "./lib/child.mjs";
import { withoutNpm } from "./lib/environment.mjs";
import { provideSystemTools } from "./lib/system-tools.mjs";
import { ensureBuilt, ensureInstalled, providePnpm, runScript } from "./lib/workspace.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const env = withoutNpm(process.env);
const [command, ...args] = process.argv.slice(2);

/** @type {Record<string, () => Promise<number>>} */
const commands = {
  start: () => runExample("video-studio", "start"),
  "start:cluster": () => runExample("video-studio-cluster", "start"),
  "start:express": () => runExample("express", "start"),
  "start:fastify": () => runExample("fastify", "start"),
  "start:bun": () => runExample("bun", "start"),
  "start:deno": () => runExample("deno", "start"),
  "start:nestjs": () => runExample("nestjs", "start"),
  "start:next": () => runExample("next", "start"),
  "start:prometheus": () => runExample("prometheus", "start"),
  dev: () => runExample("video-studio", "dev"),
  async pnpm() {
    await providePnpm(root, env);
    await ensureInstalled(root, env);
    return (await runVisibly("pnpm", args, { cwd: root, env })).code;
  },
  async test() {
    await prepare();
    await provideSystemTools(env, root);
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const { code } = await runVisibly(process.execPath, [vitest, "run", ...args], {
      cwd: root,
      env,
    });
    return code;
  },
};

/** @param {string} name @param {string} script */
async function runExample(name, script) {
  await prepare();
  const { code, stopped } = await runScript(root, `examples/${name}`, script, args, env);
  // Ctrl-C is the usual way to stop a server, so it is not a failure.
  return stopped ? 0 : code;
}

async function prepare() {
  await providePnpm(root, env);
  await ensureInstalled(root, env);
  await ensureBuilt(root, env);
}

const chosen = commands[command ?? ""];
if (!chosen) {
  process.stderr.write(
    `Usage: node scripts/run.mjs ${Object.keys(commands).join("|")} [options]\n`,
  );
  process.exit(2);
}
try {
  process.exitCode = await chosen();
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error;
  process.stderr.write(`${error.output}\n${error.message}\n`);
  process.exitCode = error.code;
}
