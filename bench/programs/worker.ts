import { setTimeout as pause } from "node:timers/promises";
import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { openStore, type StorePlace } from "../../conformance/stores/open-store.js";
import { now } from "../lib/clock.js";

// A worker process. It works on many jobs at once and reports on each at an interval. Each report has the time when it
// was made.
const { address, jobIds, everyMs, updates } = JSON.parse(process.argv[2] ?? "") as {
  address: StorePlace;
  jobIds: readonly string[];
  everyMs: number;
  /** Per job. The job is completed after the last one. */
  updates: number;
};
const { store, close } = await openStore(address);
const progress = createProgress({
  store,
  authorize: allowAnyone,
  reportIntervalMs: 1,
  sweepIntervalMs: false,
});

await Promise.all(
  jobIds.map(async (jobId, index) => {
    // The jobs begin at different times, because real workers do not report in step.
    await pause((everyMs * index) / jobIds.length);
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
      // A cancelled job rejects.
      .catch(() => {});
  }),
);
process.send?.({ done: true });
await progress.close();
await close();
process.disconnect();
