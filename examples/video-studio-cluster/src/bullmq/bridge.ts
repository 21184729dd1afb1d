import {
  isProgressError,
  isTerminal,
  type JobDefinition,
  type JobError,
  type JobTypes,
  type Progress,
  type ProgressStore,
  type Reporter,
} from "@emlinh/progress-server";
import {
  type Job as BullJob,
  DelayedError,
  type Queue,
  UnrecoverableError,
  WaitingError,
} from "bullmq";
import { giveBack } from "./give-back.js";

/** What a failure is to those who watch the job. */
export interface Verdict {
  /** Shown to everybody who may watch. */
  readonly error: JobError;
  /** `lost`: the work might well succeed another time, and is tried again while there are attempts left. `failed`: it would fail again. */
  readonly status: "failed" | "lost";
}

/** What is said when a job waits for another worker. */
export interface WaitWords {
  /** Its worker was not heard of. */
  readonly stalled: string;
  /** Its worker closes. */
  readonly handedOver: string;
  /** Its attempt failed. */
  readonly again: string;
}

/** What {@link createBridge} takes. */
export interface BridgeOptions<Data, Job extends JobTypes> {
  readonly progress: Progress;
  readonly store: ProgressStore;
  readonly queue: Queue<Data>;
  readonly definition: JobDefinition<Job>;
  /** Aborts when this process shall end: the job that it works on goes back into the queue. */
  readonly closing: AbortSignal;
  /** Does the work. It stops when `job.signal` or `closing` aborts; both may be passed on as one. */
  readonly work: (job: Reporter<Job>, data: Data) => Promise<Job["result"]>;
  readonly judge: (error: unknown, data: Data) => Verdict;
  /** The verdict on a job whose workers stopped answering once too often. */
  readonly died: (data: Data) => Verdict;
  readonly cancelled: (data: Data) => string;
  readonly words: (data: Data) => WaitWords;
}

/** The work of one BullMQ worker, told as progress. */
export interface Bridge<Data> {
  /** The worker's processor. */
  process(bull: BullJob<Data>, token: string | undefined): Promise<unknown>;
  /** For the worker's event `stalled`: BullMQ has put the job back into its queue, or given it up. */
  stalled(jobId: string): Promise<void>;
  /** For the worker's event `failed`: ends the job if BullMQ gave it up without asking the processor. */
  failed(bull: BullJob<Data> | undefined): Promise<void>;
}

/** The store is away, or a worker that lost its lock came in between: so long until the next try. */
const PAUSE_MS = 2_000;

/**
 * Makes BullMQ's jobs the work of ours. Both have the same id. Each time that BullMQ starts a job anew is one attempt of ours, which shuts out the worker of
 * the attempt before; our job ends when BullMQ is done with it, and not earlier.
 */
export function createBridge<Data, Job extends JobTypes>(
  options: BridgeOptions<Data, Job>,
): Bridge<Data> {
  const { progress, store, queue, definition, closing } = options;

  /** `undefined` if the job has ended: cancelled while it waited, or completed by a worker that was thought dead. */
  async function open(
    bull: BullJob<Data>,
    token: string | undefined,
  ): Promise<Reporter<Job> | undefined> {
    const jobId = idOf(bull);
    try {
      const state = await progress.status(jobId);
      if (state === undefined || isTerminal(state.status)) return undefined;
      const attempt = state.startedAt === null ? "current" : "next";
      return await progress.open<Job>(jobId, { definition, attempt });
    } catch (error) {
      if (isOver(error)) return undefined;
      const passes =
        isProgressError(error, "store-unavailable") || isProgressError(error, "attempt-superseded");
      if (!passes) throw error;
      // Counts as no attempt: the work was not even begun.
      await bull.moveToDelayed(Date.now() + PAUSE_MS, token);
      throw new DelayedError();
    }
  }

  async function process(bull: BullJob<Data>, token: string | undefined): Promise<unknown> {
    const job = await open(bull, token);
    if (job === undefined) return undefined;
    try {
      const result = await options.work(job, bull.data);
      await job.complete(result);
      return result;
    } catch (error) {
      throw await afterThrow(error, { job, bull, token });
    } finally {
      await job.close();
    }
  }

  /** Tells the job what becomes of it. @returns What BullMQ is to be told. */
  async function afterThrow(error: unknown, at: Attempt<Data, Job>): Promise<unknown> {
    const { job, bull, token } = at;
    if (job.signal.aborted) {
      const reason: unknown = job.signal.reason;
      if (isProgressError(reason, "job-cancelled"))
        await unlessOver(job.cancelled(options.cancelled(bull.data)));
      return new UnrecoverableError(isProgressError(reason) ? reason.code : String(reason));
    }
    if (closing.aborted) {
      await waitAgain(at, "handedOver");
      await bull.moveToWait(token);
      return new WaitingError();
    }
    const verdict = options.judge(error, bull.data);
    if (verdict.status === "lost" && hasAttemptsLeft(bull)) {
      await waitAgain(at, "again");
      return error;
    }
    await unlessOver(endAs(job, verdict));
    return new UnrecoverableError(verdict.error.code);
  }

  async function waitAgain({ job, bull }: Attempt<Data, Job>, why: keyof WaitWords): Promise<void> {
    await job.close();
    await giveBack(store, job.state, options.words(bull.data)[why]);
  }

  /** Takes the job over, if it is still open, and ends it. */
  async function giveUp(bull: BullJob<Data>): Promise<void> {
    try {
      const job = await progress.open<Job>(idOf(bull), { definition });
      await endAs(job, options.died(bull.data));
    } catch (error) {
      if (!isOver(error)) throw error;
    }
  }

  return {
    process,
    async stalled(jobId) {
      const state = await progress.status(jobId);
      const bull = await queue.getJob(jobId);
      if (bull === undefined || state?.status !== "running") return;
      if (bull.deferredFailure) return giveUp(bull);
      // Another worker may have it already: then its attempt tells all that is to be told. If not, the state read before is the dead one's.
      if (!(await bull.isWaiting())) return;
      await giveBack(store, state, options.words(bull.data).stalled);
    },
    async failed(bull) {
      if (bull?.finishedOn !== undefined) await giveUp(bull);
    },
  };
}

interface Attempt<Data, Job extends JobTypes> {
  readonly job: Reporter<Job>;
  readonly bull: BullJob<Data>;
  readonly token: string | undefined;
}

function idOf({ id }: BullJob): string {
  if (id === undefined) throw new TypeError("A BullMQ job without an id is not in a queue.");
  return id;
}

function hasAttemptsLeft({ attemptsMade, opts }: BullJob): boolean {
  return attemptsMade + 1 < (opts.attempts ?? 1);
}

async function endAs<Job extends JobTypes>(
  job: Reporter<Job>,
  { error, status }: Verdict,
): Promise<void> {
  const { step } = job.state;
  if (status === "lost") await job.end("lost", { error, message: error.message });
  else await job.fail({ ...error, ...(step !== null && { step }) });
}

/** The job was ended by another hand, or is gone: there is nothing left to say of it. */
function isOver(error: unknown): boolean {
  return (
    isProgressError(error, "job-finished") ||
    isProgressError(error, "job-expired") ||
    isProgressError(error, "job-not-found")
  );
}

async function unlessOver(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isOver(error)) throw error;
  }
}
