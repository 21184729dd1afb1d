import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import { within } from "../shared/time.js";
import type { ProgressStore, Unwatch } from "./store.js";

/** A store whose every call ends within a time limit: with its result, or with a {@link ProgressError}. */
export type GuardedStore = Omit<ProgressStore, "close">;

/**
 * Milliseconds that a call may take. Without a limit, a connection that was lost without notice would block a job's
 * readers.
 */
const STORE_TIMEOUT_MS = 10_000;

/** Bounds the time of each call, and turns any error of a database driver into `store-unavailable`. */
export function guardStore(store: ProgressStore): GuardedStore {
  return {
    maxLogLines: store.maxLogLines,
    create: (draft) => guard("create", () => store.create(draft)),
    write: (jobId, change) => guard("write", () => store.write(jobId, change)),
    read: (jobId, after) => guard("read", () => store.read(jobId, after)),
    watch: (jobId, wake) => guardWatch(() => store.watch(jobId, wake)),
    remove: (jobId) => guard("remove", () => store.remove(jobId)),
    sweep: (now, limit) => guard("sweep", () => store.sweep(now, limit)),
  };
}

async function guard<Result>(verb: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await within(STORE_TIMEOUT_MS, call(), () => timedOut(verb));
  } catch (cause) {
    if (isProgressError(cause)) throw cause;
    throw unavailable(`The store's ${verb}() failed.`, verb, cause);
  }
}

/** A watch that is granted after the time limit is ended at once, since nothing knows of it any more. */
async function guardWatch(call: () => Promise<Unwatch>): Promise<Unwatch> {
  let isOver = false;
  const endIfLate = async (): Promise<Unwatch> => {
    const unwatch = await call();
    // A failure to end it is of no use to anyone: the call was reported when it did not answer.
    if (isOver) unwatch().catch(() => {});
    return unwatch;
  };
  try {
    return await guard("watch", endIfLate);
  } catch (error) {
    isOver = true;
    throw error;
  }
}

function timedOut(verb: string): ProgressError {
  return unavailable(`The store's ${verb}() did not answer within ${STORE_TIMEOUT_MS} ms.`, verb);
}

function unavailable(what: string, verb: string, cause?: unknown): ProgressError {
  return new ProgressError("store-unavailable", {
    message: `${what} Check that its database can be reached.`,
    retryable: true,
    status: 503,
    details: { verb },
    cause,
  });
}
