import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { openStore, type StoreAddress } from "../../stores/open-store.js";

/** The argument of the program, as JSON. */
export interface ReportingOrders {
  readonly address: StoreAddress;
  readonly jobId: string;
}

/** A message to the program: what it reports before its `flush()`. */
export interface Report {
  readonly percent: number;
  readonly message: string;
  readonly line?: string | undefined;
}

/** The messages of the program: it has opened the job, a report is stored, or the job is completed. */
export type ReportingSaid =
  | { readonly kind: "open" }
  | { readonly kind: "flushed"; readonly message: string };

const say = (said: ReportingSaid): void => void process.send?.(said);

const { address, jobId } = JSON.parse(process.argv[2] ?? "") as ReportingOrders;
const { store } = await openStore(address);
const progress = createProgress({
  store,
  authorize: allowAnyone,
  sweepIntervalMs: false,
  onError: () => {},
});
const { update, log, flush } = await progress.open(jobId);
process.on("message", async ({ percent, message, line }: Report) => {
  update({ percent, message });
  if (line !== undefined) log(line);
  await flush();
  say({ kind: "flushed", message });
});
say({ kind: "open" });
