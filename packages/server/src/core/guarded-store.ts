import {
  type Change,
  type Cursor,
  type Delta,
  isProgressError,
  ProgressError,
} from "@emlinh/progress-protocol";
import { after } from "../shared/time.js";
import type { Created, JobDraft, ProgressStore, SweepReport, Unwatch, Wake } from "./store.js";

/** A store whose every call ends: with its result, or with a {@link ProgressError}. */
export type GuardedStore = Omit<ProgressStore, "close">;

/** Milliseconds that a call may take. A connection that was lost without a word would else hold a job's readers for ever. */
const STORE_TIMEOUT_MS = 10_000;

/** Bounds each call of a store, and calls what a database driver throws by our name: `store-unavailable`. */
export function guardStore(store: ProgressStore): GuardedStore {
  return {
    maxLogLines: store.maxLogLines,
    create: (draft: JobDraft): Promise<Created> => bounded("create", () => store.create(draft)),
    write: (jobId: string, change: Change): Promise<Cursor> =>
      bounded("write", () => store.write(jobId, change)),
    read: (jobId: string, cursor?: Cursor): Promise<Delta | undefined> =>
      bounded("read", () => store.read(jobId, cursor)),
    watch: (jobId: string, wake: Wake): Promise<Unwatch> =>
      bounded("watch", () => store.watch(jobId, wake), endLateWatch),
    remove: (jobId: string): Promise<boolean> => bounded("remove", () => store.remove(jobId)),
    sweep: (now: number | undefined, limit: number): Promise<SweepReport> =>
      bounded("sweep", () => store.sweep(now, limit)),
  };
}

function endLateWatch(unwatch: Unwatch): void {
  // Nobody waits for this watch any more; a store that can't end it was reported when it didn't answer.
  unwatch().catch(() => {});
}

async function bounded<Result>(
  verb: string,
  call: () => Promise<Result>,
  late?: (result: Result) => void,
): Promise<Result> {
  let timer: ReturnType<typeof after> | undefined;
  let over = false;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = after(STORE_TIMEOUT_MS, () => {
      over = true;
      reject(unavailable(verb, `did not answer within ${STORE_TIMEOUT_MS} ms`));
    });
  });
  try {
    const answer = call();
    if (late !== undefined) answer.then((result) => over && late(result)).catch(() => {});
    return await Promise.race([answer, timeout]);
  } catch (cause) {
    if (isProgressError(cause)) throw cause;
    throw unavailable(verb, "failed", cause);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(verb: string, what: string, cause?: unknown): ProgressError {
  return new ProgressError("store-unavailable", {
    message: `The store's ${verb}() ${what}: see whether its database can be reached.`,
    retryable: true,
    status: 503,
    details: { verb },
    cause,
  });
}
