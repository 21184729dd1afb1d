import { ProgressError } from "@emlinh/progress-protocol";
import type { ProgressStore, Unwatch } from "../../src/core/store.js";
import { memoryStore } from "../../src/stores/memory.js";
import type { MakeStore } from "../../src/testing/index.js";

/**
 * A memory store that stands for a database: instances over one space share the jobs, each has watches of its own, and the jobs outlive them all.
 * So the tests of the suite that need a backend run against a store that is right.
 */
export function sharedMemory(): MakeStore {
  const backends = new Map<string, ProgressStore>();
  return (options) => {
    const backend = backends.get(options.space) ?? memoryStore(options);
    backends.set(options.space, backend);
    return instanceOf(backend);
  };
}

function instanceOf(backend: ProgressStore): ProgressStore {
  const watches = new Set<Unwatch>();
  let closed = false;
  async function open<Result>(verb: () => Promise<Result>): Promise<Result> {
    if (closed) throw new ProgressError("closed", { message: "The instance is closed." });
    return verb();
  }
  return {
    maxLogLines: backend.maxLogLines,
    create: (draft) => open(() => backend.create(draft)),
    write: (jobId, change) => open(() => backend.write(jobId, change)),
    read: (jobId, after) => open(() => backend.read(jobId, after)),
    watch: (jobId, wake) =>
      open(async () => {
        const unwatch = await backend.watch(jobId, wake);
        watches.add(unwatch);
        return unwatch;
      }),
    sweep: (now, limit) => open(() => backend.sweep(now, limit)),
    async close() {
      closed = true;
      await Promise.all([...watches].map((unwatch) => unwatch()));
    },
  };
}
