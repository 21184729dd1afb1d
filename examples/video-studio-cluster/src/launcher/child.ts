import { type ChildProcess, fork, type SpawnOptions, spawn } from "node:child_process";

/** A process that the launcher started. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
  /** Sends a signal, and resolves when it is gone; by SIGKILL, if that takes too long. Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** What a child is started with. */
interface ChildOptions {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  /** Told of each line that it prints. */
  readonly onLine: (line: string) => void;
}

/** What {@link startProgram} takes. */
export interface ProgramOptions extends ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Whether it does its work now; asked again and again until it does. */
  readonly isReady: () => Promise<boolean>;
}

const LOOK_EVERY_MS = 20;
/** More than one of ours takes to close by itself. */
const STOP_LIMIT_MS = 10_000;

/** Children lead groups of their own: Ctrl-C is for the launcher, which ends them in an order that loses nothing. */
const APART: SpawnOptions = { detached: true };

/** A child dies with the launcher, however that ends, unless by SIGKILL. */
const living = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts a program of the system's. Resolves when it is ready. @throws if it ends before, with what it printed. */
export async function startProgram(options: ProgramOptions): Promise<Child> {
  const { command, args, isReady } = options;
  const process = spawn(command, args, {
    ...APART,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { child, failed } = watchOver(process, options);
  await Promise.race([failed, untilTrue(isReady, child)]);
  return child;
}

/** Starts one of our programs. Resolves with what it sends when it is ready. @throws if it ends before. */
export async function startNode<Ready>(
  file: string,
  options: ChildOptions,
): Promise<{ readonly child: Child; readonly ready: Ready }> {
  const process = fork(file, {
    ...APART,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const { child, failed } = watchOver(process, options);
  const ready = await Promise.race([
    failed,
    new Promise<Ready>((resolve) => {
      process.once("message", (message) => resolve(message as Ready));
    }),
  ]);
  return { child, ready };
}

function watchOver(
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
  const gone = new Promise<void>((resolve) => {
    process.once("error", (thrown) => {
      error = thrown;
      resolve();
    });
    process.once("close", () => resolve());
  }).finally(() => living.delete(process));
  const failed = gone.then(() => {
    throw new Error(`${name} did not start: ${error?.message ?? printed.join("\n")}`, {
      cause: error,
    });
  });
  // Once it is ready nobody listens to this any more.
  failed.catch(() => undefined);

  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    process.kill(signal);
    const limit = setTimeout(() => process.kill("SIGKILL"), STOP_LIMIT_MS);
    await gone;
    clearTimeout(limit);
  }
  return { child: { name, pid: process.pid ?? 0, gone, stop }, failed };
}

async function untilTrue(condition: () => Promise<boolean>, child: Child): Promise<void> {
  let isGone = false;
  const gone = child.gone.then(() => {
    isGone = true;
  });
  while (!isGone && !(await condition()))
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
}
