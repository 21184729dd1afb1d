import {
  allowAnyone,
  createProgress,
  defineJob,
  type JobState,
  type Progress,
  type ProgressStore,
  type Reporter,
  typed,
  type Unwatch,
} from "@emlinh/progress-server";
import { redisStore } from "@emlinh/progress-server/stores/redis";
import { Queue, Worker, type WorkerOptions } from "bullmq";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { type Bridge, createBridge } from "../../src/bullmq/bridge.js";
import { createPositions, type Positions } from "../../src/bullmq/positions.js";

/** The work of the tests. */
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

/** Thrown by work that may well succeed another time. */
export class Unlucky extends Error {
  override readonly name: string = "Unlucky";
}

export type Work = (job: Reporter<CountJob>) => Promise<{ count: number }>;

/** What one process has of jobs and queue: nothing of it is shared with another's but the server. */
export interface Place {
  readonly store: ProgressStore;
  readonly progress: Progress;
  readonly redis: Redis;
  readonly queue: Queue;
  readonly positions: Positions;
}

/** Opens a place at a Redis; it is closed with the test. */
export function openPlace(
  url: string,
  change: (store: ProgressStore) => ProgressStore = (store) => store,
): Place {
  const client = new Redis(url);
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const original = redisStore({ client });
  const store = change(original);
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
  return {
    store,
    progress,
    redis,
    queue,
    positions: createPositions({ progress, store, queue, text }),
  };
}

/** How {@link startWorker} is told to work. */
export interface WorkerSetup {
  readonly work: Work;
  readonly closing?: AbortSignal;
  readonly options?: Partial<WorkerOptions>;
}

/** A BullMQ worker with a bridge. */
export interface BridgedWorker {
  readonly bridge: Bridge<unknown>;
  readonly worker: Worker;
  /** What it told as an error. */
  readonly errors: readonly string[];
}

/** Starts a worker of one place; it is closed with the test. */
export function startWorker(place: Place, { work, closing, options }: WorkerSetup): BridgedWorker {
  const lost = { code: "worker-died", message: "It died." };
  const errors: string[] = [];
  const bridge = createBridge<unknown, CountJob>({
    ...place,
    definition: COUNT,
    closing: closing ?? new AbortController().signal,
    work,
    judge: (error) =>
      error instanceof Unlucky
        ? { status: "lost", error: { code: "unlucky", message: "It was unlucky." } }
        : { status: "failed", error: { code: "wrong", message: "It is wrong." } },
    died: () => ({ status: "lost", error: lost }),
    cancelled: () => "It was cancelled.",
    words: () => ({ stalled: "It stalled.", handedOver: "It was handed over.", again: "Again." }),
  });
  const worker = new Worker("counts", (bull, token) => bridge.process(bull, token), {
    connection: place.redis,
    ...options,
  });
  const unwaited = (deed: Promise<void>): void => {
    deed.catch((error: unknown) => errors.push(String(error)));
  };
  worker.on("error", (error) => errors.push(String(error)));
  worker.on("stalled", (jobId) => unwaited(bridge.stalled(jobId)));
  worker.on("failed", (bull) => unwaited(bridge.failed(bull)));
  onTestFinished(() => worker.close());
  return { bridge, worker, errors };
}

/** Makes a job of ours and BullMQ's. */
export async function addJob({ progress, queue }: Place, attempts = 3): Promise<string> {
  const { id } = await progress.create({ definition: COUNT });
  await queue.add("count", {}, { jobId: id, attempts, backoff: 20 });
  return id;
}

/** Resolves with the first state of a job that meets a condition; the store wakes us at each change of it. */
export async function until(
  { store, progress }: Place,
  jobId: string,
  condition: (state: JobState) => boolean,
): Promise<JobState> {
  let unwatch: Unwatch | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const look = async (): Promise<void> => {
        const state = await progress.status(jobId);
        if (state !== undefined && condition(state)) resolve(state);
      };
      const lookNow = (): void => void look().catch(reject);
      store.watch(jobId, lookNow).then((stop) => {
        unwatch = stop;
        lookNow();
      }, reject);
    });
  } finally {
    await unwatch?.();
  }
}

/** A gate that is shut until somebody opens it. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function shutGate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** The texts of a job's log lines. */
export async function linesOf({ store }: Place, jobId: string): Promise<readonly string[]> {
  const delta = await store.read(jobId);
  return (delta?.log ?? []).map(({ text }) => text);
}

/** Resolves when BullMQ has moved its job. */
export function moved({ worker }: BridgedWorker, event: "completed" | "failed"): Promise<void> {
  return new Promise((resolve) => worker.once(event, () => resolve()));
}

/** Settles when a signal aborts: work that does nothing else. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}
