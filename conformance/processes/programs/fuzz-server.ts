import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createProgress, memoryStore, type Progress } from "@emlinh/progress-server";
import { fastifyProgress } from "@emlinh/progress-server/adapters/fastify";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { serve } from "@hono/node-server";
import { fastify } from "fastify";
import { Hono } from "hono";
import { BASE } from "../odd-requests.js";
import { oddValue } from "../odd-values.js";
import { type Random, randomFrom } from "../random.js";
import { fuzzJobs, print } from "./fuzz-jobs.js";

/** The argument of the program, as JSON. */
export interface FuzzOrders {
  readonly seed: number;
}

/** The messages to the program. `stop` ends the jobs and drains, `exit` ends the process. */
export type FuzzOrder = "stop" | "exit";

/** The messages of the program. */
export type FuzzSaid =
  | { readonly kind: "listening"; readonly ports: Readonly<Record<ServerName, number>> }
  | {
      readonly kind: "stopped";
      /** Each thing that must not happen, such as an uncaught error, and how often it did. */
      readonly faults: Readonly<Record<string, number>>;
      /** Odd calls that were made. */
      readonly calls: number;
      /** Streams before the drain, when all clients have left, and after it. */
      readonly streams: readonly [number, number];
    };

type ServerName = "node" | "http2" | "fastify" | "hono";

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

const progress = createProgress({
  store: memoryStore({ maxJobs: 500 }),
  authorize: ({ facts }) => decide(facts.header("x-authorize")) as never,
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
say({ kind: "listening", ports: await listen(progress) });
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

async function listen(progress: Progress): Promise<Record<ServerName, number>> {
  const handle = nodeProgress(progress, { base: BASE });
  const app = fastify();
  await app.register(fastifyProgress, { prefix: BASE, progress });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const hono = new Hono();
  const answer = fetchProgress(progress, { base: BASE });
  hono.all(`${BASE}/*`, (context) => answer(context.req.raw, { raw: context }));
  const honoServer = serve({ fetch: hono.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
  if (!honoServer.listening) await once(honoServer, "listening");
  return {
    node: await portOf(http.createServer(handle)),
    http2: await portOf(http2.createServer(handle as never)),
    fastify: (app.server.address() as AddressInfo).port,
    hono: (honoServer.address() as AddressInfo).port,
  };
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
