import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The settings of npm that are kept: the registry, and how to reach it. pnpm would misread the others.
 * A name is compared in lower case, without the prefix `npm_config_`.
 */
const KEPT = [
  /^(cache|registry|.*:registry|userconfig|globalconfig)$/,
  /^(ca|cafile|cert|key|strict[-_]ssl|.*_auth.*)$/,
  /^(proxy|https?[-_]proxy|no[-_]?proxy)$/,
];

/**
 * The environment for pnpm and its child processes.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv} A copy.
 */
export function withoutNpm(env) {
  /** @type {NodeJS.ProcessEnv} */
  const kept = {};
  for (const [name, value] of Object.entries(env)) {
    const lower = name.toLowerCase();
    if (lower === "init_cwd") continue;
    const setting = lower.match(/^npm_config_(.*)$/)?.[1];
    if (lower.startsWith("npm_") && !(setting && KEPT.some((pattern) => pattern.test(setting))))
      continue;
    kept[name] = value;
  }
  return kept;
}

/**
 * Finds the first of the names that is an executable on `PATH`.
 *
 * @param {readonly string[]} names
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} Its path.
 */
export function onPath(names, env = process.env) {
  const endings = process.platform === "win32" ? [".exe", ".cmd", ""] : [""];
  const folders = (env.PATH ?? env.Path ?? "").split(delimiter).filter(Boolean);
  for (const name of names) {
    for (const folder of folders) {
      for (const ending of endings) {
        const path = join(folder, name + ending);
        if (existsSync(path)) return path;
      }
    }
  }
  return undefined;
}

/**
 * @param {NodeJS.ProcessEnv} env Changed.
 * @param {string} folder
 */
export function prependPath(env, folder) {
  const name = "Path" in env && !("PATH" in env) ? "Path" : "PATH";
  env[name] = [folder, env[name]].filter(Boolean).join(delimiter);
}
