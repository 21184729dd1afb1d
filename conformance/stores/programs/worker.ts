import { setTimeout as pause } from "node:timers/promises";
import { allowAnyone, createProgress, isProgressError } from "@emlinh/progress-server";
import { openStore, type StoreAddress } from "../open-store.js";

/** The argument of the worker, as JSON. */
export interface WorkerOrders {
  readonly address: StoreAddress;
  readonly jobId: string;
  readonly leaseMs: number;
}

/** The messages of the worker. */
export type WorkerSaid =
  | { readonly kind: "working" }
  | { readonly kind: "aborted"; readonly code: string }
  | { readonly kind: "ended"; readonly code: string };

const say = (said: WorkerSaid): void => void process.send?.(said);

/** Counts and reports each count until it is aborted or killed. */
const { address, jobId, leaseMs } = JSON.parse(process.argv[2] ?? "") as WorkerOrders;
const { store, close } = await openStore(address);
const progress = createProgress({ store, authorize: allowAnyone, leaseMs, sweepIntervalMs: false });

try {
  const { status } = await progress.run(jobId, async (job) => {
    job.log("begun");
    job.update({ metadata: { count: 0 } });
    await job.flush();
    say({ kind: "working" });
    for (let count = 1; !job.signal.aborted; count += 1) {
      job.update({ metadata: { count } });
      await pause(5);
    }
    const { reason } = job.signal;
    say({ kind: "aborted", code: isProgressError(reason) ? reason.code : String(reason) });
    // A worker that does not stop at once after the abort. These reports come too late.
    job.log("too late");
    job.update({ message: "too late" });
    job.signal.throwIfAborted();
  });
  say({ kind: "ended", code: status });
} catch (error) {
  say({ kind: "ended", code: isProgressError(error) ? error.code : String(error) });
}
await progress.close();
await close();
process.disconnect();
