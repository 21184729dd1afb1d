import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { cancelledError, VideoError } from "./errors.js";
import { removeJobFiles } from "./files.js";
import type { MadeVideo, VideoReport, WorkerMessage, WorkerStart } from "./messages.js";
import type { VideoRequest } from "./request.js";

/** How to run a worker. */
export interface StartWorkerOptions {
  /** Absolute path of an existing directory that belongs to this job alone. */
  readonly outDir: string;
  /** Called with each report, in order; never after the result is settled. */
  readonly onMessage: (report: VideoReport) => void;
  /** Cancels, as `cancel` does. */
  readonly signal?: AbortSignal | undefined;
  /** The built worker. @defaultValue `worker.js` beside the file that this runs from */
  readonly workerFile?: URL | undefined;
  /** The worker's environment. @defaultValue this process's */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** A worker at work. */
export interface VideoWorker {
  /** Of the worker, and of its process group; `undefined` if it could not be started. */
  readonly pid: number | undefined;
  /**
   * Settles once, when the whole process group is gone. Rejects with a {@link VideoError}: what the worker said, or
   * `worker-died`, or `cancelled`; then no file of the job is left.
   */
  readonly result: Promise<MadeVideo>;
  /** Kills worker and encoder at once, and resolves when they are gone. Idempotent; after the end it does nothing. */
  cancel(): Promise<void>;
}

type Verdict = Extract<WorkerMessage, { type: "done" | "failed" }>;

/** Makes a video in a process of its own. */
export function startVideoWorker(request: VideoRequest, options: StartWorkerOptions): VideoWorker {
  const { outDir, onMessage, signal } = options;
  const file = fileURLToPath(options.workerFile ?? new URL("./worker.js", import.meta.url));
  // Detached makes it the leader of a new process group; the channel to it stays.
  const child = fork(file, {
    detached: true,
    env: options.env ?? process.env,
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let verdict: Verdict | undefined;
  let isCancelled = false;

  child.on("message", (message: WorkerMessage) => {
    if (isCancelled || verdict) return;
    if (message.type === "done" || message.type === "failed") verdict = message;
    else onMessage(message);
  });
  const closed = whenClosed(child);
  const cancel = (): void => {
    if (verdict) return;
    isCancelled = true;
    killGroup(child);
  };
  signal?.addEventListener("abort", cancel, { once: true });
  const start: WorkerStart = { type: "start", request, outDir };
  // If it cannot be sent, the worker is gone, and `closed` says so.
  child.send(start, () => undefined);
  if (signal?.aborted) cancel();

  const result = closed.then(async (end) => {
    signal?.removeEventListener("abort", cancel);
    // Whatever ended the worker, its encoder must not go on alone and leave a short file that looks whole.
    killGroup(child);
    if (!isCancelled && verdict?.type === "done") return verdict.result;
    await removeJobFiles(outDir);
    throw isCancelled ? cancelledError() : errorOf(verdict, end);
  });
  // The caller may look at it late; a rejection that nobody awaits yet must not end the server.
  result.catch(() => undefined);

  return {
    pid: child.pid,
    result,
    async cancel() {
      cancel();
      await result.catch(() => undefined);
    },
  };
}

function errorOf(verdict: Verdict | undefined, end: string): VideoError {
  if (verdict?.type === "failed")
    return new VideoError(verdict.code, verdict.message, { details: verdict.details });
  return new VideoError("worker-died", "The process that made the video ended unexpectedly.", {
    details: end,
  });
}

function whenClosed(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`not started: ${error.message}`));
    child.once("close", (code, killedBy) =>
      resolve(killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`),
    );
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    // Windows has no process groups; there the encoder ends with the pipe that it reads from.
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nothing of the group is left, which is what was wanted.
  }
}
