import {
  allowAnyone,
  createProgress,
  defineJob,
  type JobState,
  type Progress,
  type ProgressStore,
  type Reporter,
  typed,
} from "@emlinh/progress-server";
import { redisStore } from "@emlinh/progress-server/stores/redis";
import { Queue, Worker, type WorkerOptions } from "bullmq";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { type Bridge, createBridge } from "../../src/bullmq/bridge.js";
import { createPositions, type Positions } from "../../src/bullmq/positions.js";

/** The job of the tests. */
const COUNT = defineJob({
  kind: "count",
  plan: [{ id: "count", title: "Count", weight: 1 }],
  metadata: typed<{ queuePosition?: number }>(),
  result: typed<{ count: number }>(),
});

type CountJob = {
  readonly step: "count";
  readonly metadata: { queuePosition?: number };
  readonly result: { count: number };
};

/** Thrown by work that may succeed in another try. */
export class TemporaryError extends Error {
  override readonly name: string = "TemporaryError";
}

export type Work = (job: Reporter<CountJob>) => Promise<{ count: number }>;

/** The services of one process. Two of them share nothing but the Redis server. */
export interface ProcessFixture {
  readonly store: ProgressStore;
  readonly progress: Progress;
  readonly redis: Redis;
  readonly queue: Queue;
  readonly positions: Positions;
}

/** Opens the services of one process. They are closed with the test. */
export function openProcess(
  url: string,
  wrap: (store: ProgressStore) => ProgressStore = (store) => store,
): ProcessFixture {
  const client = new Redis(url);
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const original = redisStore({ client });
  const store = wrap(original);
  const progress = createProgress({ store, authorize: allowAnyone, leaseMs: 20_000 });
  const queue = new Queue("counts", { connection: redis });
  onTestFinished(async () => {
    await queue.close();
    await progress.close();
    await original.close();
    redis.disconnect();
    client.disconnect();
  });
  const text = (_: unknown, position: number): string => `Number ${position}`;
  return { store, progress, redis, queue, positions: createPositions({ progress, queue, text }) };
}

/** Options of {@link startWorker}. */
export interface WorkerSetup {
  readonly work: Work;
  readonly closing?: AbortSignal;
  readonly options?: Partial<WorkerOptions>;
}

/** A BullMQ worker with a bridge. */
export interface BridgedWorker {
  readonly bridge: Bridge<unknown>;
  readonly worker: Worker;
  /** The errors of the worker and of its listeners. */
  readonly errors: readonly string[];
}

/** Starts a worker in one process. It is closed with the test. */
export function startWorker(
  { progress, queue, redis }: ProcessFixture,
  { work, closing, options }: WorkerSetup,
): BridgedWorker {
  const errors: string[] = [];
  const bridge = createBridge<unknown, CountJob>({
    progress,
    queue,
    definition: COUNT,
    closing: closing ?? new AbortController().signal,
    work,
    failureOf: (error) =>
      error instanceof TemporaryError
        ? { status: "lost", error: { code: "temporary", message: "It failed for now." } }
        : { status: "failed", error: { code: "wrong", message: "It is wrong." } },
    workersDied: () => ({
      status: "lost",
      error: { code: "worker-died", message: "It died." },
    }),
    cancelledMessage: () => "It was cancelled.",
    requeueMessages: () => ({
      stalled: "It stalled.",
      handedOver: "It was handed over.",
      again: "Again.",
    }),
  });
  const worker = new Worker("counts", (bull, token) => bridge.process(bull, token), {
    connection: redis,
    ...options,
  });
  const inBackground = (call: Promise<void>): void => {
    call.catch((error: unknown) => errors.push(String(error)));
  };
  worker.on("error", (error) => errors.push(String(error)));
  worker.on("stalled", (jobId) => inBackground(bridge.stalled(jobId)));
  worker.on("failed", (bull) => inBackground(bridge.failed(bull)));
  onTestFinished(() => worker.close());
  return { bridge, worker, errors };
}

/** Creates a job of ours and the BullMQ job for it. */
export async function addJob({ progress, queue }: ProcessFixture, attempts = 3): Promise<string> {
  const { id } = await progress.create({ definition: COUNT });
  await queue.add("count", {}, { jobId: id, attempts, backoff: 20 });
  return id;
}

/** Resolves with the first state of a job that meets a condition. */
export async function until(
  { progress }: ProcessFixture,
  jobId: string,
  condition: (state: JobState) => boolean,
): Promise<JobState> {
  let stop: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const check = (state: JobState | undefined): void => {
        if (state !== undefined && condition(state)) resolve(state);
      };
      progress.watch(jobId, check).then((stopWatch) => {
        stop = stopWatch;
      }, reject);
    });
  } finally {
    stop?.();
  }
}

/** A gate that holds work back until it is opened. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function closedGate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** The texts of a job's log lines. */
export async function linesOf(
  { progress }: ProcessFixture,
  jobId: string,
): Promise<readonly string[]> {
  const lines: string[] = [];
  const stop = await progress.watch(jobId, (_, log) => {
    lines.push(...log.map(({ text }) => text));
  });
  stop();
  return lines;
}

/** Resolves when BullMQ has moved its job. */
export function moved({ worker }: BridgedWorker, event: "completed" | "failed"): Promise<void> {
  return new Promise((resolve) => worker.once(event, () => resolve()));
}

/** Rejects when a signal aborts, with its reason. For work that only waits. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}
