import { setTimeout as pause } from "node:timers/promises";
import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { openStore, type StorePlace } from "../../conformance/stores/open-store.js";

// A worker process: works on many jobs at once, and reports on each some times a second, with the moment of the report.
const { place, jobIds, everyMs, updates } = JSON.parse(process.argv[2] ?? "") as {
  place: StorePlace;
  jobIds: readonly string[];
  everyMs: number;
  /** Of each job; when they are made it ends. */
  updates: number;
};
const { store, close } = await openStore(place);
const progress = createProgress({
  store,
  authorize: allowAnyone,
  reportIntervalMs: 1,
  sweepIntervalMs: false,
});

await Promise.all(
  jobIds.map(async (jobId, by) => {
    // Spread out: workers don't report in step.
    await pause((everyMs * by) / jobIds.length);
    await progress
      .run(jobId, async (job) => {
        job.signal.addEventListener("abort", () => process.send?.({ aborted: jobId, at: now() }));
        process.send?.({ running: jobId });
        for (let count = 0; count < updates && !job.signal.aborted; count += 1) {
          job.update({ metadata: { at: now() } });
          await pause(everyMs);
        }
        job.signal.throwIfAborted();
      })
      .catch(() => {});
  }),
);
process.send?.({ done: true });
await progress.close();
await close();
process.disconnect();

/** The same clock in each process of a machine, finer than a millisecond. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
