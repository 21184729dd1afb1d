import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import type { ProgressStore, Unwatch, Wake, WatchTarget } from "../../src/core/store.js";
import { memoryStore } from "../../src/stores/memory/memory-store.js";
import type { MakeStore, StoreCapabilities, SuiteStoreOptions } from "../../src/testing/index.js";

/** A store to run the suite against: how to make it, and its capabilities. */
export interface Subject {
  readonly makeStore: MakeStore;
  readonly capabilities: StoreCapabilities;
}

interface Watch {
  readonly target: WatchTarget;
  readonly wake: Wake;
  unwatch: Unwatch;
}

interface Backend {
  store: ProgressStore;
  /**
   * The clock of the instance whose method runs. The memory store runs each method synchronously, so there is only one.
   */
  clock: () => number;
  readonly watches: Set<Watch>;
  readonly renew: () => ProgressStore;
}

/**
 * Memory stores that stand for a database: instances over one space share the jobs, each has its own watches, and the
 * jobs outlive the instances. The tests of the suite that need a backend run against them.
 */
export function sharedMemory(clock: StoreCapabilities["clock"] = "injected"): Subject {
  const backends = new Map<string, Backend>();

  function backendOf({ space, ...options }: SuiteStoreOptions): Backend {
    const known = backends.get(space);
    if (known !== undefined) return known;
    const renew = (): ProgressStore => memoryStore({ ...options, clock: () => backend.clock() });
    const backend: Backend = { store: renew(), clock: Date.now, watches: new Set(), renew };
    backends.set(space, backend);
    return backend;
  }

  return {
    makeStore: (options) =>
      instanceOf(backendOf(options), clock === "injected" ? options.clock : Date.now),
    capabilities: {
      shared: true,
      durable: true,
      tombstones: true,
      clock,
      // A memory store wakes synchronously or never.
      maxWakeMs: 20,
      async emptyBackend(space) {
        const backend = backends.get(space);
        if (backend === undefined) return;
        backend.store = backend.renew();
        for (const watch of backend.watches)
          watch.unwatch = await backend.store.watch(watch.target, watch.wake);
      },
    },
  };
}

/**
 * Tests that run at the same time have jobs with the same ids. A memory store would say that another one has the job.
 */
function unknownJob(error: unknown): undefined {
  if (!isProgressError(error, "job-not-found")) throw error;
}

function instanceOf(backend: Backend, clock: () => number): ProgressStore {
  const own = new Set<Watch>();
  let closed = false;

  async function run<Result>(method: (store: ProgressStore) => Promise<Result>): Promise<Result> {
    if (closed) throw new ProgressError("closed", { message: "The store is closed." });
    backend.clock = clock;
    return method(backend.store);
  }

  async function endWatch(watch: Watch): Promise<void> {
    own.delete(watch);
    backend.watches.delete(watch);
    await watch.unwatch();
  }

  return {
    maxLogLines: backend.store.maxLogLines,
    create: (draft) => run((store) => store.create(draft)),
    write: (jobId, change) => run((store) => store.write(jobId, change)),
    read: (jobId, after) => run((store) => store.read(jobId, after).catch(unknownJob)),
    list: (subject, page) => run((store) => store.list(subject, page)),
    watch: (target, wake) =>
      run(async (store) => {
        const watch: Watch = { target, wake, unwatch: await store.watch(target, wake) };
        own.add(watch);
        backend.watches.add(watch);
        return () => endWatch(watch);
      }),
    remove: (jobId) => run((store) => store.remove(jobId)),
    learn: (kind, durations) => run((store) => store.learn(kind, durations)),
    expectations: (kind) => run((store) => store.expectations(kind)),
    sweep: (now, limit, onEnd) => run((store) => store.sweep(now, limit, onEnd)),
    async close() {
      closed = true;
      await Promise.all([...own].map(endWatch));
    },
  };
}
