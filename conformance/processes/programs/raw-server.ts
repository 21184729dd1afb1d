import { createProgress, createTickets, memoryStore, type Progress } from "@emlinh/progress-server";
import { type AdapterName, listenAll, type Ports } from "./adapters.js";
import { print } from "./fuzz-jobs.js";

/** The messages to the program: what is left after the last request of an adapter? */
export interface RawOrder {
  readonly after: AdapterName;
}

/** The messages of the program. */
export type RawSaid =
  | { readonly kind: "listening"; readonly ports: Ports }
  | {
      readonly kind: "after";
      readonly name: AdapterName;
      /** Slots that were not given back. */
      readonly slots: number;
      /** Each thing that must not happen, such as an uncaught error. */
      readonly faults: readonly string[];
    };

const say = (said: RawSaid): void => void process.send?.(said);

/** Those of which no adapter is known. */
const faults: string[] = [];
const faultsOf = new Map<AdapterName, string[]>();
process.on("uncaughtException", (error) => faults.push(`uncaughtException: ${print(error)}`));
process.on("unhandledRejection", (error) => faults.push(`unhandledRejection: ${print(error)}`));
process.on("warning", (warning) => faults.push(`warning: ${print(warning)}`));

const { authorizeByTicket } = createTickets({ secrets: ["s".repeat(32)] });
const progresses = new Map<AdapterName, Progress>();

function newProgress(name: AdapterName): Progress {
  const ownFaults: string[] = [];
  faultsOf.set(name, ownFaults);
  const progress = createProgress({
    store: memoryStore(),
    authorize: (request) => (request.facts.query.has("ticket") ? authorizeByTicket(request) : true),
    cors: { origins: ["https://reader.test"], credentials: true },
    onError: (error) => ownFaults.push(`onError: ${print(error)}`),
    maxWaitMs: 50,
    stallMs: 300,
    maxReportsPerSecond: Number.POSITIVE_INFINITY,
  });
  progresses.set(name, progress);
  return progress;
}

/** Requests end and remove jobs. */
async function createJobs(progress: Progress): Promise<void> {
  for (const id of ["job-0", "job-1", "ended"]) {
    const state = await progress.status(id);
    const isAsWanted = (state?.finishedAt ?? null) !== null ? id === "ended" : id !== "ended";
    if (state !== undefined && isAsWanted) continue;
    await progress.remove(id).catch(() => {});
    const plan = id === "job-1" ? ["one", "two"] : [];
    await progress.create({ id, kind: "raw", plan, subjects: ["user:1"] });
    if (id === "ended") await progress.end(id, "cancelled");
  }
}

async function lookAfter(name: AdapterName): Promise<void> {
  const progress = progresses.get(name) as Progress;
  const until = performance.now() + 3_000;
  while (progress.metrics().slots > 0 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 2));
  await createJobs(progress);
  const found = [...faults.splice(0), ...(faultsOf.get(name)?.splice(0) ?? [])];
  say({ kind: "after", name, slots: progress.metrics().slots, faults: found });
}

process.on("message", ({ after }: RawOrder) => void lookAfter(after));
const ports = await listenAll(newProgress);
for (const progress of progresses.values()) await createJobs(progress);
say({ kind: "listening", ports });
