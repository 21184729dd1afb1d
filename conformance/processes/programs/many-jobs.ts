import { once } from "node:events";
import {
  allowAnyone,
  createProgress,
  isProgressError,
  type ProgressStore,
} from "@emlinh/progress-server";
import { type JobsAddress, openJobs } from "../addresses.js";

/** The argument of the program, as JSON. */
export interface ManyJobsOrders {
  readonly address: JobsAddress;
  /** The number of jobs that it creates and works on. */
  readonly jobs: number;
  readonly leaseMs: number;
  readonly sweepIntervalMs: number | false;
}

/** The messages to the program. */
export type ManyJobsOrder =
  /** Moves the time of day. */
  | { readonly kind: "jump"; readonly ms: number }
  /** Blocks the event loop. */
  | { readonly kind: "block"; readonly ms: number }
  /** The work of each job returns. */
  | { readonly kind: "finish" };

/** The messages of the program. */
export type ManyJobsSaid =
  | { readonly kind: "working" }
  /** The order was carried out. */
  | { readonly kind: "done"; readonly order: ManyJobsOrder["kind"] }
  | { readonly kind: "swept"; readonly lost: number; readonly stale: number }
  /** How each job ended. */
  | { readonly kind: "ended"; readonly statuses: readonly string[] };

const say = (said: ManyJobsSaid): void => void process.send?.(said);

const orders = JSON.parse(process.argv[2] ?? "") as ManyJobsOrders;
// Before anything keeps a reference to it.
let jumpMs = 0;
const now = Date.now.bind(Date);
Date.now = () => now() + jumpMs;
const { store, close } = await openJobs(orders.address);
const progress = createProgress({
  store: withSweepsSaid(store),
  authorize: allowAnyone,
  leaseMs: orders.leaseMs,
  sweepIntervalMs: orders.sweepIntervalMs,
});
const finish = new AbortController();
process.on("message", (order: ManyJobsOrder) => carryOut(order));

let begun = 0;
const ends = Array.from({ length: orders.jobs }, runJob);
say({ kind: "ended", statuses: await Promise.all(ends) });
await progress.close();
await close();
process.disconnect();

function carryOut(order: ManyJobsOrder): void {
  if (order.kind === "finish") finish.abort();
  else if (order.kind === "jump") jumpMs += order.ms;
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
  say({ kind: "done", order: order.kind });
}

/** Reports once, then works in silence until it is told to finish. Resolves with the status of the job. */
async function runJob(): Promise<string> {
  const job = await progress.create({ kind: "copy" });
  try {
    const { status } = await progress.run(job, async ({ update, flush, signal }) => {
      update({ message: "Copying" });
      await flush();
      begun += 1;
      if (begun === orders.jobs) say({ kind: "working" });
      if (!finish.signal.aborted && !signal.aborted)
        await once(AbortSignal.any([finish.signal, signal]), "abort");
      signal.throwIfAborted();
    });
    return status;
  } catch (error) {
    return isProgressError(error) ? error.code : String(error);
  }
}

/** The same store, which sends a message after each sweep. */
function withSweepsSaid(inner: ProgressStore): ProgressStore {
  return {
    ...inner,
    async sweep(now, limit, onEnd) {
      const report = await inner.sweep(now, limit, onEnd);
      say({ kind: "swept", lost: report.lost, stale: report.stale });
      return report;
    },
  };
}
