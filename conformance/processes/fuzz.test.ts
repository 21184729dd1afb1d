import { expect, test } from "vitest";
import { type Program, runProgram } from "../programs.js";
import { visitOddly, visitOddlyOverHttp2 } from "./odd-clients.js";
import { BASE } from "./odd-requests.js";
import type { FuzzOrder, FuzzOrders, FuzzSaid } from "./programs/fuzz-server.js";
import { randomFrom } from "./random.js";

/** How long requests are sent. A longer run finds more. */
const FUZZ_MS = Number(process.env.FUZZ_MS ?? 15_000);

/** Another one for each run, so that all runs together find more. A failure names it. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

/** Connections at once. */
const CLIENTS = 24;

test("given odd requests and odd values, the process of the server has no uncaught error and serves on", {
  timeout: FUZZ_MS + 45_000,
}, async () => {
  const orders: FuzzOrders = { seed: SEED };
  const server = await runProgram<FuzzSaid>("processes/programs/fuzz-server.ts", orders, {
    home: "../packages/server",
  });
  const listening = await server.until("its ports", ({ kind }) => kind === "listening");
  if (listening.kind !== "listening") return;
  const { ports } = listening;
  const visits = await visitUntil(performance.now() + FUZZ_MS, ports);
  for (const port of [ports.node, ports.fastify, ports.hono]) await expectServing(port);
  expect(await stop(server), `FUZZ_SEED=${SEED}, after ${visits} connections`).toEqual({
    faults: {},
    streams: [0, 0],
  });
});

/** Sends odd requests to each server. Resolves with the number of connections. */
async function visitUntil(end: number, ports: Readonly<Record<string, number>>): Promise<number> {
  const random = randomFrom(SEED + 1);
  let visits = 0;
  async function visitAgain(): Promise<void> {
    while (performance.now() < end) {
      const [name, port] = random.pick(Object.entries(ports));
      await (name === "http2" ? visitOddlyOverHttp2 : visitOddly)(port, random);
      visits += 1;
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, visitAgain));
  return visits;
}

/** Asks for the state of a job that does not exist: the server knows the answer. */
async function expectServing(port: number): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${port}${BASE}/never-created/status`);
  expect(status).toBe(404);
}

async function stop(server: Program<FuzzSaid>): Promise<object> {
  server.tell("stop" satisfies FuzzOrder);
  const stopped = await server.until("its counts", ({ kind }) => kind === "stopped");
  server.tell("exit" satisfies FuzzOrder);
  await server.exited;
  const { faults, streams } = stopped as Extract<FuzzSaid, { kind: "stopped" }>;
  return { faults, streams };
}
