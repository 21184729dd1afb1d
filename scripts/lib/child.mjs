import { spawn } from "node:child_process";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const windows = process.platform === "win32";

/** Milliseconds that a child may take to stop before it is killed. */
const GRACE_MS = 10_000;

/** A command that failed. `output` is what it printed. */
export class CommandFailed extends Error {
  /**
   * @param {string} command
   * @param {number} code
   * @param {string} output
   */
  constructor(command, code, output) {
    super(`\`${command}\` exited with ${code}`);
    this.code = code;
    this.output = output;
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 */
function start(command, args, options) {
  // On Windows npm and pnpm are batch files, which only a shell can start.
  if (windows && !command.endsWith(".exe")) options = { ...options, shell: true };
  // The child has its own process group, so that a signal reaches each process that pnpm has started, once.
  return spawn(command, args, { detached: !windows, ...options });
}

/** @param {import("node:child_process").ChildProcess} child @param {NodeJS.Signals} signal */
function signalGroup(child, signal) {
  try {
    if (windows || child.pid === undefined) child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // The process has ended already.
  }
}

/** @param {import("node:child_process").ChildProcess} child */
function isGroupAlive(child) {
  try {
    if (windows || child.pid === undefined) return false;
    return process.kill(-child.pid, 0);
  } catch {
    return false;
  }
}

/**
 * Waits for the end of a child, and passes SIGINT, SIGTERM and SIGHUP on to it. After a second signal, or after ten
 * seconds, it kills the child. npm does not pass its own signals on, so the end of npm counts as SIGTERM.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<{ code: number, stopped: boolean }>} `stopped` is true if one of those signals came.
 */
async function waitForEnd(child) {
  let stopped = false;
  /** @type {NodeJS.Timeout | undefined} */
  let killing;
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    signalGroup(child, stopped ? "SIGKILL" : signal);
    stopped = true;
    killing ??= setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, stop);
  const parent = process.ppid;
  const orphaned = setInterval(() => {
    if (process.env.npm_lifecycle_event && process.ppid !== parent && !stopped) stop("SIGTERM");
  }, 500);

  try {
    const code = await closed(child);
    // A shell may end before the processes that it started, which still clean up. Wait for the whole group, but at
    // most GRACE_MS: in a container without an init process, ended processes stay in the group.
    const until = Date.now() + GRACE_MS;
    while (stopped && isGroupAlive(child) && Date.now() < until) await sleep(50);
    return { code, stopped };
  } finally {
    clearInterval(orphaned);
    clearTimeout(killing);
    for (const signal of signals) process.off(signal, stop);
  }
}

/** @param {import("node:child_process").ChildProcess} child @returns {Promise<number>} */
function closed(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

/**
 * Runs a command and shows its output.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 */
export function runVisibly(command, args, options) {
  return waitForEnd(start(command, args, { ...options, stdio: ["ignore", "inherit", "inherit"] }));
}

/**
 * Runs a command and shows one line instead of its output, and another line every ten seconds. If the command fails,
 * the error has its output.
 *
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @throws {CommandFailed}
 */
export async function runQuietly(title, command, args, options) {
  const since = Date.now();
  const elapsed = () => `${((Date.now() - since) / 1000).toFixed(1)} s`;
  process.stdout.write(`${title}…\n`);
  const child = start(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const alive = setInterval(() => {
    const last = output.trimEnd().split("\n").at(-1)?.trim().slice(0, 100) ?? "";
    process.stdout.write(`  still running after ${elapsed()}  ${last}\n`);
  }, 10_000);
  try {
    const { code, stopped } = await waitForEnd(child);
    if (stopped) throw new CommandFailed(command, 130, "");
    if (code !== 0) throw new CommandFailed([command, ...args].join(" "), code, output);
  } finally {
    clearInterval(alive);
  }
  process.stdout.write(`  done in ${elapsed()}\n`);
}
