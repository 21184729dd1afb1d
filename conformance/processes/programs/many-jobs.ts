import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
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
  /** The jobs that it creates and works on. `0` for a process that only sweeps. */
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
if (orders.jobs === 0) {
  say({ kind: "working" });
  await once(finish.signal, "abort");
}
say({ kind: "ended", statuses: await Promise.all(ends) });
await progress.close();
await close();
process.disconnect();

function carryOut(order: ManyJobsOrder): void {
  if (order.kind === "finish") finish.abort();
  else if (order.kind === "jump") {
    const now = Date.now.bind(Date);
    Date.now = () => now() + order.ms;
  } else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
  say({ kind: "done", order: order.kind });
}

/** Reports until it is told to finish. Resolves with the status of the job. */
async function runJob(): Promise<string> {
  const job = await progress.create({ kind: "count" });
  try {
    const { status } = await progress.run(job, async ({ update, flush, signal }) => {
      for (let count = 0; !finish.signal.aborted; count += 1) {
        signal.throwIfAborted();
        update({ metadata: { count } });
        if (count === 0) {
          await flush();
          begun += 1;
          if (begun === orders.jobs) say({ kind: "working" });
        }
        await pause(50);
      }
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
    async sweep(now, limit) {
      const report = await inner.sweep(now, limit);
      say({ kind: "swept", lost: report.lost, stale: report.stale });
      return report;
    },
  };
}
