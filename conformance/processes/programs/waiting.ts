import { once } from "node:events";
import {
  allowAnyone,
  createProgress,
  isProgressError,
  type Progress,
} from "@emlinh/progress-server";
import type { StoreAddress } from "../../stores/open-store.js";
import { openJobs } from "../addresses.js";
import { type Away, storeThatIsAway } from "../away-store.js";

/** The argument of the program, as JSON. */
export interface WaitingOrders {
  /** The call that its main program awaits, with nothing else to do. */
  readonly call: WaitingCall;
  /** A scripted store, or a backend that the test stops once the program is ready. */
  readonly store: Away | StoreAddress;
  readonly maxDeliveryMs?: number | undefined;
}

export type WaitingCall = "run" | "complete" | "flush" | "create" | "status" | "open";

/** The messages of the program. */
export type WaitingSaid =
  /** It waits for any message, and then for the store. */
  | { readonly kind: "ready" }
  /** The call was settled: with `"resolved"`, or with the code of an error. */
  | { readonly kind: "settled"; readonly outcome: string };

const say = (said: WaitingSaid): void => void process.send?.(said);

const orders = JSON.parse(process.argv[2] ?? "") as WaitingOrders;
const { store, goAway, close } = await openOrders();
const progress = createProgress({
  store,
  authorize: allowAnyone,
  maxDeliveryMs: orders.maxDeliveryMs,
  onError: () => {},
});
const job = await progress.create({ kind: "wait" });
const call = await prepare(orders.call, progress, job.id);
// While it waits here, the program has neither a timer nor a connection of its own.
const outcome = await call().then(
  () => "resolved",
  (error: unknown) => (isProgressError(error) ? error.code : String(error)),
);
say({ kind: "settled", outcome });
// Neither the store nor the progress is closed: a program that is done ends without that.
await close();

/** The store, how it goes away, and how its connections are closed at the end. */
async function openOrders() {
  if (orders.store.kind !== "away") {
    const opened = await openJobs(orders.store);
    return {
      store: opened.store,
      // The listener for the message is removed at once, because it would keep the process alive.
      async goAway() {
        say({ kind: "ready" });
        await once(process, "message");
      },
      close: opened.close,
    };
  }
  const scripted = storeThatIsAway(orders.store);
  return {
    store: scripted.store,
    async goAway() {
      say({ kind: "ready" });
      scripted.goAway();
    },
    close: async () => {},
  };
}

/** Does everything that comes before the store goes away. Returns the rest. */
async function prepare(
  name: WaitingCall,
  { create, open, run, status }: Progress,
  jobId: string,
): Promise<() => Promise<unknown>> {
  const whileAway =
    (wait: () => Promise<unknown>): (() => Promise<unknown>) =>
    async () => {
      await goAway();
      await wait();
    };
  if (name === "create") return whileAway(() => create({ kind: "wait" }));
  if (name === "status") return whileAway(() => status(jobId));
  if (name === "open") return whileAway(() => open(jobId));
  if (name === "run") return () => run(jobId, () => goAway());
  const reporter = await open(jobId);
  if (name === "complete") return whileAway(() => reporter.complete({ done: true }));
  return whileAway(() => {
    reporter.log("a line");
    return reporter.flush();
  });
}
