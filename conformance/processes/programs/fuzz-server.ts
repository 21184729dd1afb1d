import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { createProgress, createTickets, memoryStore, type Progress } from "@emlinh/progress-server";
import { oddValue } from "../odd-values.js";
import { type Random, randomFrom } from "../random.js";
import { listenAll, type Ports } from "./adapters.js";
import { fuzzJobs, print } from "./fuzz-jobs.js";

/** The argument of the program, as JSON. */
export interface FuzzOrders {
  readonly seed: number;
}

/** The messages to the program. `stop` ends the jobs and drains, `exit` ends the process. */
export type FuzzOrder = "stop" | "exit";

/** The messages of the program. */
export type FuzzSaid =
  | { readonly kind: "listening"; readonly ports: Ports }
  | {
      readonly kind: "stopped";
      /** Each thing that must not happen, such as an uncaught error, and how often it did. */
      readonly faults: Readonly<Record<string, number>>;
      /** Odd calls that were made. */
      readonly calls: number;
      /** Streams before the drain, when all clients have left, and after it. */
      readonly streams: readonly [number, number];
    };

const say = (said: FuzzSaid): void => void process.send?.(said);

const { seed } = JSON.parse(process.argv[2] ?? "") as FuzzOrders;
const random = randomFrom(seed);
const faults: Record<string, number> = {};
const onFault = (fault: string): void => {
  faults[fault] = (faults[fault] ?? 0) + 1;
};
process.on("uncaughtException", (error) => onFault(`uncaughtException: ${print(error)}`));
process.on("unhandledRejection", (error) => onFault(`unhandledRejection: ${print(error)}`));
process.on("warning", (warning) => onFault(`warning: ${print(warning)}`));

const { authorizeByTicket } = createTickets({ secrets: ["s".repeat(32)] });
const progress = createProgress({
  store: memoryStore({ maxJobs: 500 }),
  authorize(request) {
    const { query, header } = request.facts;
    const hasTicket = query?.has?.("ticket") || header("authorization") !== undefined;
    if (hasTicket) return authorizeByTicket(request);
    return decide(header("x-authorize")) as never;
  },
  cors: { origins: ["https://reader.test"], credentials: true },
  onError: () => actOddly(random) as never,
  authorizeTimeoutMs: 300,
  heartbeatMs: 50,
  idleTimeoutMs: 1_000,
  maxAgeMs: 2_000,
  stallMs: 500,
  maxWaitMs: 500,
  retryMs: 50,
  maxStreams: 100,
  maxStreamsPerJob: 60,
  maxStreamsPerConnection: 20,
});
say({ kind: "listening", ports: await listenAll(() => progress) });
const stop = new AbortController();
const calls = fuzzJobs({ progress, random, signal: stop.signal, onFault });
calls.catch((error) => onFault(`The test itself failed: ${print(error)}`));
await order("stop");
stop.abort();
// A call that never settles is one of the faults.
const made = await Promise.race([calls, pause(12_000, 0)]);
const before = await untilNoStreams(progress);
await progress.drain({ spreadMs: 0, timeoutMs: 5_000 });
say({ kind: "stopped", faults, calls: made, streams: [before, progress.metrics().slots] });
await order("exit");
process.exit();

async function order(wanted: FuzzOrder): Promise<void> {
  for (;;) {
    const [given] = await once(process, "message");
    if (given === wanted) return;
  }
}

/** The streams that are left, at the latest after 5 s. */
async function untilNoStreams({ metrics }: Progress): Promise<number> {
  const until = performance.now() + 5_000;
  while (metrics().slots > 0 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return metrics().slots;
}

/** Answers as the header of the request wishes; by default with yes. */
function decide(wish: string | undefined): unknown {
  switch (wish) {
    case "throw":
      throw oddValue(random);
    case "reject":
      return Promise.reject(oddValue(random));
    case "hang":
      return new Promise(() => {});
    case "odd":
      return oddValue(random);
    case "odd members":
      return { allow: oddValue(random), until: oddValue(random), reason: oddValue(random) };
    case "short":
      return { allow: true, until: Date.now() + 200 };
    case "no":
      return random.chance(0.5) ? false : { allow: false, reason: oddValue(random) };
    default:
      return true;
  }
}

/** A callback that throws, rejects, or returns an odd value. */
function actOddly(random: Random): unknown {
  if (random.chance(0.3)) throw oddValue(random);
  return random.chance(0.5) ? Promise.reject(oddValue(random)) : oddValue(random);
}
