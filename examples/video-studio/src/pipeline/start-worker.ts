import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { cancelledError, VideoError } from "./errors.js";
import { removeJobFiles } from "./files.js";
import type { MadeVideo, VideoReport, WorkerMessage, WorkerStart } from "./messages.js";
import type { VideoRequest } from "./request.js";

/** Options of {@link startVideoWorker}. */
export interface StartWorkerOptions {
  /** Absolute path of an existing directory that only this job uses. */
  readonly outDir: string;
  /** Called with each report, in order. Not called after the result has settled. */
  readonly onMessage: (report: VideoReport) => void;
  /** Aborting it cancels the work, like `cancel`. */
  readonly signal?: AbortSignal | undefined;
  /** The built worker. @defaultValue `worker.js` in the folder of the running file */
  readonly workerFile?: URL | undefined;
  /** The worker's environment. @defaultValue this process's environment */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** A running worker. */
export interface VideoWorker {
  /** The id of the worker and of its process group, or `undefined` if it could not be started. */
  readonly pid: number | undefined;
  /**
   * Settles when the whole process group has exited. Rejects with a {@link VideoError}: the worker's error,
   * `worker-died` or `cancelled`. Then no file of the job is left.
   */
  readonly result: Promise<MadeVideo>;
  /** Kills worker and encoder at once. Resolves when both have exited. Idempotent. */
  cancel(): Promise<void>;
}

type Outcome = Extract<WorkerMessage, { type: "done" | "failed" }>;

/** Makes a video in a separate process. */
export function startVideoWorker(request: VideoRequest, options: StartWorkerOptions): VideoWorker {
  const { outDir, onMessage, signal } = options;
  const file = fileURLToPath(options.workerFile ?? new URL("./worker.js", import.meta.url));
  // Detached makes the worker the leader of a new process group. Its IPC channel stays.
  const child = fork(file, {
    detached: true,
    env: options.env ?? process.env,
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let outcome: Outcome | undefined;
  let isCancelled = false;

  child.on("message", (message: WorkerMessage) => {
    if (isCancelled || outcome) return;
    if (message.type === "done" || message.type === "failed") outcome = message;
    else onMessage(message);
  });
  const closed = whenClosed(child);
  const cancel = (): void => {
    if (outcome) return;
    isCancelled = true;
    killGroup(child);
  };
  signal?.addEventListener("abort", cancel, { once: true });
  const start: WorkerStart = { type: "start", request, outDir };
  // If it can't be sent, the worker has exited, and `closed` resolves.
  child.send(start, () => undefined);
  if (signal?.aborted) cancel();

  const result = closed.then(async (end) => {
    signal?.removeEventListener("abort", cancel);
    // The encoder must not outlive the worker and leave a short file that looks complete.
    killGroup(child);
    if (!isCancelled && outcome?.type === "done") return outcome.result;
    await removeJobFiles(outDir);
    throw isCancelled ? cancelledError() : errorOf(outcome, end);
  });
  // The caller may await it later. Until then its rejection must not end the server.
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

function errorOf(outcome: Outcome | undefined, end: string): VideoError {
  if (outcome?.type === "failed")
    return new VideoError(outcome.code, outcome.message, { details: outcome.details });
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
    // Windows has no process groups. There the encoder exits when its input pipe closes.
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has exited already.
  }
}
