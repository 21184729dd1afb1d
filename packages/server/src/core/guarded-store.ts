import {
  type Change,
  type Cursor,
  isProgressError,
  ProgressError,
} from "@emlinh/progress-protocol";
import { elapsed, within } from "../shared/time.js";
import { type Metrics, observe, type StoreMethod } from "./metrics.js";
import type { Settings } from "./options.js";
import type { ProgressStore, StoredDelta, Unwatch, Written } from "./store.js";
import { createStoreClock, type StoreClock } from "./store-clock.js";

/** A store whose every call ends within a time limit: with its result, or with a {@link ProgressError}. */
export interface GuardedStore extends Omit<ProgressStore, "close"> {
  /** The store's time, in milliseconds since the epoch: see {@link StoreClock}. */
  now(): number;
  /** When a method other than `sweep` was called last, by {@link elapsed}. */
  usedAt(): number;
  /** Whether a read is answered within a time. It does not count as use. Never rejects. */
  isReachable(timeoutMs: number): Promise<boolean>;
}

/** The settings of a {@link GuardedStore}. */
type GuardSettings = Pick<Settings, "store" | "clock" | "metrics" | "hooks">;

interface Guard {
  readonly store: ProgressStore;
  readonly clock: StoreClock;
  readonly metrics: Metrics;
  usedAt: number;
}

/**
 * Milliseconds that a call may take. Without a limit, a connection that was lost without notice would block a job's
 * readers.
 */
const STORE_TIMEOUT_MS = 10_000;

/** Bounds the time of each call, and turns any error of a database driver into `store-unavailable`. */
export function guardStore(settings: GuardSettings): GuardedStore {
  const { store, metrics, hooks } = settings;
  const clock = createStoreClock(settings.clock);
  const guard: Guard = { store, clock, metrics, usedAt: elapsed() };
  return {
    maxLogLines: store.maxLogLines,
    now: () => clock.now(),
    usedAt: () => guard.usedAt,
    create: (draft) => use(guard, ["create"], () => store.create(draft)),
    write: (jobId, change) => write(guard, jobId, change),
    read: (jobId, after) => read(guard, jobId, after),
    list: (subject, page) => use(guard, ["list", subject], () => store.list(subject, page)),
    watch: (target, wake) => watch(guard, () => store.watch(target, wake)),
    remove: (jobId) => use(guard, ["remove", jobId], () => store.remove(jobId)),
    learn: (kind, durations) => use(guard, ["learn", kind], () => store.learn(kind, durations)),
    expectations: (kind) => use(guard, ["expectations", kind], () => store.expectations(kind)),
    isReachable: (timeoutMs) => isReachable(guard, timeoutMs),
    sweep: (now, limit) => call(guard, ["sweep"], () => store.sweep(now, limit, hooks.onJobEnd)),
  };
}

async function write(guard: Guard, jobId: string, change: Change): Promise<Written> {
  const answer = use(guard, ["write", jobId], () => guard.store.write(jobId, change));
  const sentAt = guard.usedAt;
  const written = await answer;
  guard.clock.observe(written.now, sentAt);
  return written;
}

async function read(
  guard: Guard,
  jobId: string,
  after: Cursor | undefined,
): Promise<StoredDelta | undefined> {
  const answer = use(guard, ["read", jobId], () => guard.store.read(jobId, after));
  const sentAt = guard.usedAt;
  const delta = await answer;
  if (delta !== undefined) guard.clock.observe(delta.now, sentAt);
  return delta;
}

/** The id of a job that does not exist, so that the read costs as little as any. */
const PROBED_ID = "health-probe";

async function isReachable(guard: Guard, timeoutMs: number): Promise<boolean> {
  try {
    await within(
      timeoutMs,
      call(guard, ["read"], () => guard.store.read(PROBED_ID)),
    );
    return true;
  } catch (error) {
    return isProgressError(error, "job-not-found") || isProgressError(error, "job-expired");
  }
}

/** A method, and the job, subject or kind that it is called with: if one of them fails alone, its data are at fault. */
type StoreCall = readonly [verb: StoreMethod, of?: string];

function use<Result>(
  guard: Guard,
  storeCall: StoreCall,
  run: () => Promise<Result>,
): Promise<Result> {
  guard.usedAt = elapsed();
  return call(guard, storeCall, run);
}

async function call<Result>(
  { metrics }: Guard,
  storeCall: StoreCall,
  run: () => Promise<Result>,
): Promise<Result> {
  const [verb] = storeCall;
  const calls = metrics.store[verb];
  const begunAt = elapsed();
  try {
    return await within(STORE_TIMEOUT_MS, run(), () => timedOut(storeCall));
  } catch (cause) {
    const error = isProgressError(cause) ? cause : unavailable("failed", storeCall, cause);
    if (error.code === "store-unavailable") calls.failed += 1;
    throw error;
  } finally {
    observe(calls.duration, elapsed() - begunAt);
  }
}

/** A watch that is granted after the time limit is ended at once, since nothing knows of it any more. */
async function watch(guard: Guard, run: () => Promise<Unwatch>): Promise<Unwatch> {
  let isOver = false;
  const endIfLate = async (): Promise<Unwatch> => {
    const unwatch = await run();
    // A failure to end it is of no use to anyone: the call was reported when it did not answer.
    if (isOver) unwatch().catch(() => {});
    return unwatch;
  };
  try {
    return await use(guard, ["watch"], endIfLate);
  } catch (error) {
    isOver = true;
    throw error;
  }
}

function timedOut(storeCall: StoreCall): ProgressError {
  return unavailable(`did not answer within ${STORE_TIMEOUT_MS} ms`, storeCall);
}

function unavailable(what: string, [verb, of]: StoreCall, cause?: unknown): ProgressError {
  const name = of === undefined ? "" : ` of "${of}"`;
  return new ProgressError("store-unavailable", {
    message: `The store's ${verb}()${name} ${what}. Check that its database can be reached.`,
    retryable: true,
    status: 503,
    details: { verb },
    cause,
  });
}
