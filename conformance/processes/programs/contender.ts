import { setTimeout as pause } from "node:timers/promises";
import { allowAnyone, createProgress, isProgressError } from "@emlinh/progress-server";
import { openStore, type StoreAddress } from "../../stores/open-store.js";

/** The argument of the contender, as JSON. */
export interface ContenderOrders {
  readonly address: StoreAddress;
  /** Set as the metadata `by` of each report. */
  readonly name: string;
  readonly leaseMs: number;
}

/** The messages to the contender. */
export type ContenderOrder =
  /** Opens a job, and reports until it is told to finish or its signal aborts. */
  | {
      readonly kind: "open";
      readonly jobId: string;
      readonly takeOver?: boolean | undefined;
      readonly attempt?: "current" | "next" | undefined;
    }
  /** The work of each job returns. */
  | { readonly kind: "finish" }
  | { readonly kind: "exit" };

/** The messages of the contender. */
export type ContenderSaid = { readonly jobId: string } & (
  | { readonly kind: "waiting" }
  /** It opened the job, and its first report is stored. */
  | { readonly kind: "working" }
  /** The signal of its work was aborted. */
  | { readonly kind: "aborted"; readonly code: string }
  /** How its run ended: the status, or the code of the error. */
  | { readonly kind: "ended"; readonly code: string }
);

const say = (said: ContenderSaid): void => void process.send?.(said);

const { address, name, leaseMs } = JSON.parse(process.argv[2] ?? "") as ContenderOrders;
const { store, close } = await openStore(address);
const progress = createProgress({
  store,
  authorize: allowAnyone,
  leaseMs,
  reportIntervalMs: 10,
  sweepIntervalMs: false,
  onError: () => {},
});
let isFinishing = false;
process.on("message", (order: ContenderOrder) => {
  if (order.kind === "open") void work(order);
  else if (order.kind === "finish") isFinishing = true;
  else void exit();
});
say({ kind: "waiting", jobId: "" });

async function work({
  jobId,
  takeOver,
  attempt,
}: Extract<ContenderOrder, { kind: "open" }>): Promise<void> {
  isFinishing = false;
  try {
    const { status } = await progress.run(
      jobId,
      async ({ update, flush, signal, state }) => {
        signal.addEventListener("abort", () =>
          say({ kind: "aborted", jobId, code: codeOf(signal.reason) }),
        );
        // It goes on from where the one before it was, as a worker with a checkpoint does.
        for (
          let percent = state.percent ?? 0;
          !isFinishing;
          percent = Math.min(99, percent + 0.1)
        ) {
          update({ percent, metadata: { by: name } });
          if (percent === (state.percent ?? 0)) await flush();
          if (percent === (state.percent ?? 0)) say({ kind: "working", jobId });
          await pause(5);
          signal.throwIfAborted();
        }
        return { by: name };
      },
      { takeOver, attempt },
    );
    say({ kind: "ended", jobId, code: status });
  } catch (error) {
    say({ kind: "ended", jobId, code: codeOf(error) });
  }
}

function codeOf(error: unknown): string {
  return isProgressError(error) ? error.code : String(error);
}

async function exit(): Promise<void> {
  await progress.close();
  await close();
  process.disconnect();
}
