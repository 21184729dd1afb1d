import {
  type Cursor,
  isProgressError,
  isTerminal,
  type JobDefinition,
  type JobError,
  type JobTypes,
  type Progress,
  type Reporter,
} from "@emlinh/progress-server";
import {
  type Job as BullJob,
  DelayedError,
  type Queue,
  UnrecoverableError,
  WaitingError,
} from "bullmq";
import { isOver, unlessOver } from "./unless-over.js";

/** How a job ends if its work fails. */
export interface Failure {
  /** Shown to everyone who may watch the job. */
  readonly error: JobError;
  /** `lost`: another try may succeed, and is made while attempts are left. `failed`: another try would fail again. */
  readonly status: "failed" | "lost";
}

/** The messages of a job that is put back into the queue. */
export interface RequeueMessages {
  /** Its worker stopped answering. */
  readonly stalled: string;
  /** Its worker closes. */
  readonly handedOver: string;
  /** Its attempt failed. */
  readonly again: string;
}

/** Options of {@link createBridge}. */
export interface BridgeOptions<Data, Job extends JobTypes> {
  readonly progress: Progress;
  readonly queue: Queue<Data>;
  readonly definition: JobDefinition<Job>;
  /** Aborts when this process closes. The current job then goes back into the queue. */
  readonly closing: AbortSignal;
  /** Does the work. It must stop when `job.signal` or `closing` aborts. */
  readonly work: (job: Reporter<Job>, data: Data) => Promise<Job["result"]>;
  /** Classifies an error that the work threw. */
  readonly failureOf: (error: unknown, data: Data) => Failure;
  /** The failure of a job whose workers stopped answering too often. */
  readonly workersDied: (data: Data) => Failure;
  readonly cancelledMessage: (data: Data) => string;
  readonly requeueMessages: (data: Data) => RequeueMessages;
}

/** Reports the work of one BullMQ worker as progress. */
export interface Bridge<Data> {
  /** The worker's processor. */
  process(bull: BullJob<Data>, token: string | undefined): Promise<unknown>;
  /** For the worker's event `stalled`: BullMQ has put the job back into its queue, or has given it up. */
  stalled(jobId: string): Promise<void>;
  /** For the worker's event `failed`: ends the job if BullMQ gave it up without calling the processor. */
  failed(bull: BullJob<Data> | undefined): Promise<void>;
}

/** Milliseconds until the next try if the store is unavailable or a worker without a lock interfered. */
const RETRY_MS = 2_000;

/**
 * Runs each BullMQ job as the work of our job with the same id. Each start by BullMQ is one attempt of our job, so the
 * worker of the attempt before is refused, and no attempt has two workers. Our job ends when BullMQ is done with it,
 * and not earlier.
 */
export function createBridge<Data, Job extends JobTypes>(
  options: BridgeOptions<Data, Job>,
): Bridge<Data> {
  const { progress, queue } = options;
  return {
    async process(bull, token) {
      const job = await openJob(options, bull, token);
      if (job === undefined) return undefined;
      try {
        const result = await options.work(job, bull.data);
        await job.complete(result);
        return result;
      } catch (error) {
        throw await errorForBull(options, { job, bull, token }, error);
      } finally {
        await job.close();
      }
    },
    async stalled(jobId) {
      const state = await progress.status(jobId);
      const bull = await queue.getJob(jobId);
      if (bull === undefined || state?.status !== "running") return;
      if (bull.deferredFailure) await giveUp(options, bull);
      // If another worker has started the job again, its own attempt is the one to report.
      else if (await bull.isWaiting()) await requeueForDeadWorker(options, bull, state.cursor);
    },
    async failed(bull) {
      if (bull?.finishedOn !== undefined) await giveUp(options, bull);
    },
  };
}

/** One attempt of a job. */
interface Attempt<Data, Job extends JobTypes> {
  readonly job: Reporter<Job>;
  readonly bull: BullJob<Data>;
  readonly token: string | undefined;
}

/** Resolves with `undefined` if the job has ended, for example because it was cancelled while it waited. */
async function openJob<Data, Job extends JobTypes>(
  { progress, definition }: BridgeOptions<Data, Job>,
  bull: BullJob<Data>,
  token: string | undefined,
): Promise<Reporter<Job> | undefined> {
  const jobId = idOf(bull);
  try {
    const state = await progress.status(jobId);
    if (state === undefined || isTerminal(state.status)) return undefined;
    // BullMQ starts a job again only if its worker failed or stalled, so the attempt of that worker is over.
    const attempt = state.startedAt === null ? "current" : "next";
    return await progress.open<Job>(jobId, { definition, attempt });
  } catch (error) {
    if (isTransient(error)) {
      // BullMQ tries later. Not counted as an attempt, because the work did not begin.
      await bull.moveToDelayed(Date.now() + RETRY_MS, token);
      throw new DelayedError();
    }
    if (isOver(error)) return undefined;
    throw error;
  }
}

/** The store is unavailable, or another worker opened the job at the same moment: the job is left to that one. */
function isTransient(error: unknown): boolean {
  return (
    isProgressError(error, "store-unavailable") ||
    isProgressError(error, "attempt-superseded") ||
    isProgressError(error, "job-held")
  );
}

/** Ends or requeues a job whose work threw. @returns the error for BullMQ. */
async function errorForBull<Data, Job extends JobTypes>(
  options: BridgeOptions<Data, Job>,
  { job, bull, token }: Attempt<Data, Job>,
  error: unknown,
): Promise<unknown> {
  if (job.signal.aborted) {
    const reason: unknown = job.signal.reason;
    if (isProgressError(reason, "job-cancelled"))
      await unlessOver(job.cancelled(options.cancelledMessage(bull.data)));
    return new UnrecoverableError(isProgressError(reason) ? reason.code : String(reason));
  }
  if (options.closing.aborted) {
    await requeue(options, job, bull, "handedOver");
    await bull.moveToWait(token);
    return new WaitingError();
  }
  const failure = options.failureOf(error, bull.data);
  if (failure.status === "lost" && hasAttemptsLeft(bull)) {
    await requeue(options, job, bull, "again");
    return error;
  }
  await unlessOver(endAs(job, failure));
  return new UnrecoverableError(failure.error.code);
}

async function requeue<Data, Job extends JobTypes>(
  { requeueMessages }: BridgeOptions<Data, Job>,
  job: Reporter<Job>,
  bull: BullJob<Data>,
  reason: keyof RequeueMessages,
): Promise<void> {
  const message = requeueMessages(bull.data)[reason];
  job.log(message, { level: "warn" });
  await unlessOver(job.requeue({ message }));
}

/**
 * Takes a job over from a worker that stopped answering, and puts it back into the queue.
 *
 * @param seen - When the job was seen with that worker. A worker that has started the job since keeps it.
 */
async function requeueForDeadWorker<Data, Job extends JobTypes>(
  options: BridgeOptions<Data, Job>,
  bull: BullJob<Data>,
  seen: Cursor,
): Promise<void> {
  const { progress, definition, cancelledMessage } = options;
  try {
    const job = await progress.open<Job>(idOf(bull), { definition, takeOver: seen });
    if (job.state.cancelRequested) await job.cancelled(cancelledMessage(bull.data));
    else await requeue(options, job, bull, "stalled");
  } catch (error) {
    if (!isOver(error)) throw error;
  }
}

/** Ends a job that BullMQ has given up. */
async function giveUp<Data, Job extends JobTypes>(
  { progress, workersDied }: BridgeOptions<Data, Job>,
  bull: BullJob<Data>,
): Promise<void> {
  const { status, error } = workersDied(bull.data);
  await unlessOver(progress.end(idOf(bull), status, { error, message: error.message }));
}

async function endAs<Job extends JobTypes>(
  job: Reporter<Job>,
  { error, status }: Failure,
): Promise<void> {
  const { step } = job.state;
  if (status === "lost") await job.end("lost", { error, message: error.message });
  else await job.fail({ ...error, ...(step !== null && { step }) });
}

function idOf({ id }: BullJob): string {
  if (id === undefined) throw new TypeError("The BullMQ job has no id, so it is not in a queue.");
  return id;
}

function hasAttemptsLeft({ attemptsMade, opts }: BullJob): boolean {
  return attemptsMade + 1 < (opts.attempts ?? 1);
}
