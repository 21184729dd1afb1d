import { spawn } from "node:child_process";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const windows = process.platform === "win32";

/** How long a child may take to stop before it is killed. */
const GRACE_MS = 10_000;

/** A command that ended badly; what it printed is in `output`. */
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

/** @param {string} command @param {readonly string[]} args @param {import("node:child_process").SpawnOptions} options */
function start(command, args, options) {
  // On Windows npm and pnpm are batch files, which only a shell starts.
  if (windows && !command.endsWith(".exe")) options = { ...options, shell: true };
  // A process group of its own: a signal then reaches what pnpm has started too, once each.
  return spawn(command, args, { detached: !windows, ...options });
}

/** @param {import("node:child_process").ChildProcess} child @param {NodeJS.Signals} signal */
function signalGroup(child, signal) {
  try {
    if (windows || child.pid === undefined) child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended already, which is what the signal was for.
  }
}

/** @param {import("node:child_process").ChildProcess} child */
function groupLives(child) {
  try {
    if (windows || child.pid === undefined) return false;
    return process.kill(-child.pid, 0);
  } catch {
    return false;
  }
}

/**
 * Passes SIGINT, SIGTERM and SIGHUP on while the child runs; a second one, or ten seconds, kills. npm does not pass them
 * on when it is told to stop itself, so its end counts as SIGTERM.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<{ code: number, stopped: boolean }>} `stopped`: by one of those signals.
 */
async function ending(child) {
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
    // A shell may end before what it started, which is still cleaning up: nothing of the group outlives this.
    // It ends all the same when nobody collects the dead, as in a container without an init.
    const until = Date.now() + GRACE_MS;
    while (stopped && groupLives(child) && Date.now() < until) await sleep(50);
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
 * Runs a command whose output belongs on the screen.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 */
export function runVisibly(command, args, options) {
  return ending(start(command, args, { ...options, stdio: ["ignore", "inherit", "inherit"] }));
}

/**
 * Runs a command behind one line, with a sign of life every ten seconds; all of its output is kept for a failure.
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
    process.stdout.write(`  still at it after ${elapsed()}  ${last}\n`);
  }, 10_000);
  try {
    const { code, stopped } = await ending(child);
    if (stopped) throw new CommandFailed(command, 130, "");
    if (code !== 0) throw new CommandFailed([command, ...args].join(" "), code, output);
  } finally {
    clearInterval(alive);
  }
  process.stdout.write(`  done in ${elapsed()}\n`);
}
