import { type ChildProcess, fork, type SpawnOptions, spawn } from "node:child_process";

/** How a process exited: one of both is `null`. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that the launcher started. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has exited. */
  readonly exited: Promise<ChildExit>;
  /** Sends a signal, and resolves when the process has exited. If that takes too long, sends SIGKILL. Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Options of every child. */
interface ChildOptions {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  /** Called with each line that the process prints. */
  readonly onLine: (line: string) => void;
}

/** Options of {@link startProgram}. */
export interface ProgramOptions extends ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Whether the program is ready. Called again until it is. */
  readonly isReady: () => Promise<boolean>;
}

const READY_CHECK_MS = 20;
/** Longer than one of our programs takes to close by itself. */
const STOP_LIMIT_MS = 10_000;
/** A child of a killed process may keep its output open for longer. */
const OUTPUT_LIMIT_MS = 500;

/**
 * Each child leads a process group of its own. So Ctrl-C reaches only the launcher, which stops the children in the
 * right order.
 */
const DETACHED: SpawnOptions = { detached: true };

/** Children are killed when the launcher exits, unless the launcher was killed by SIGKILL. */
const living = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts a program of the system. Resolves when it is ready. @throws if it exits before that, with its output. */
export async function startProgram(options: ProgramOptions): Promise<Child> {
  const { command, args, isReady } = options;
  const process = spawn(command, args, {
    ...DETACHED,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { child, failed } = watchChild(process, options);
  await Promise.race([failed, untilReady(isReady, child)]);
  return child;
}

/** Starts one of our programs. Resolves with the message that it sends when it is ready. @throws if it exits before. */
export async function startNode<Ready>(
  file: string,
  options: ChildOptions,
): Promise<{ readonly child: Child; readonly ready: Ready }> {
  const process = fork(file, {
    ...DETACHED,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const { child, failed } = watchChild(process, options);
  const ready = await Promise.race([
    failed,
    new Promise<Ready>((resolve) => {
      process.once("message", (message) => resolve(message as Ready));
    }),
  ]);
  return { child, ready };
}

function watchChild(
  process: ChildProcess,
  { name, onLine }: ChildOptions,
): { readonly child: Child; readonly failed: Promise<never> } {
  living.add(process);
  const printed: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split("\n").filter(Boolean)) {
        printed.push(line);
        onLine(line);
      }
    });
  }
  let error: Error | undefined;
  const exited = new Promise<ChildExit>((resolve) => {
    process.once("error", (thrown) => {
      error = thrown;
      resolve({ code: null, signal: null });
    });
    process.once("exit", (code, signal) => {
      const limit = setTimeout(() => resolve({ code, signal }), OUTPUT_LIMIT_MS);
      process.once("close", () => {
        clearTimeout(limit);
        resolve({ code, signal });
      });
    });
  }).finally(() => living.delete(process));
  const failed = exited.then(() => {
    throw new Error(`${name} did not start: ${error?.message ?? printed.join("\n")}`, {
      cause: error,
    });
  });
  // After the start nobody awaits this promise.
  failed.catch(() => undefined);

  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    process.kill(signal);
    const limit = setTimeout(() => process.kill("SIGKILL"), STOP_LIMIT_MS);
    await exited;
    clearTimeout(limit);
  }
  return { child: { name, pid: process.pid ?? 0, exited, stop }, failed };
}

async function untilReady(isReady: () => Promise<boolean>, child: Child): Promise<void> {
  let hasExited = false;
  const exited = child.exited.then(() => {
    hasExited = true;
  });
  while (!hasExited && !(await isReady()))
    await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, READY_CHECK_MS))]);
}
