import { expect, test } from "vitest";
import { type Program, runProgram } from "../programs.js";
import { visitOddly, visitOddlyOverHttp2 } from "./odd-clients.js";
import { BASE } from "./odd-requests.js";
import { statusOf, statusOverHttp2 } from "./plain-clients.js";
import type { FuzzOrder, FuzzOrders, FuzzSaid } from "./programs/fuzz-server.js";
import { randomFrom, seedOf } from "./random.js";

/** How long requests are sent. A longer run finds more: there is one each night. */
const FUZZ_MS = Number(process.env.FUZZ_MS ?? 8_000);

/** The same one for each run, so that a change fails by its own fault. `FUZZ_SEED=random` takes another one. */
const SEED = seedOf("FUZZ_SEED");

/** Connections at once. */
const CLIENTS = 24;

test("given odd requests and odd values, the process of the server has no uncaught error and serves on", {
  timeout: FUZZ_MS + 60_000,
}, async () => {
  const orders: FuzzOrders = { seed: SEED };
  const server = await runProgram<FuzzSaid>("processes/programs/fuzz-server.ts", orders, {
    home: "../packages/server",
  });
  const listening = await server.until("its ports", ({ kind }) => kind === "listening");
  if (listening.kind !== "listening") return;
  const { ports } = listening;
  const visits = await visitUntil(performance.now() + FUZZ_MS, ports);
  expect(await stop(server), `FUZZ_SEED=${SEED}, after ${visits} connections`).toEqual({
    faults: {},
    streams: [0, 0],
  });
});

/**
 * Sends odd requests to each server, and after each of them a plain one, which waits for its turn: without it, the
 * connections would come faster than a busy machine can accept them. Resolves with the number of connections.
 */
async function visitUntil(end: number, ports: Readonly<Record<string, number>>): Promise<number> {
  const random = randomFrom(SEED + 1);
  let visits = 0;
  async function visitAgain(): Promise<void> {
    while (performance.now() < end) {
      const [name, port] = random.pick(Object.entries(ports));
      const visit = (name === "http2" ? visitOddlyOverHttp2 : visitOddly)(port, random);
      await within(10_000, `a visit of ${name}`, visit);
      const status = await within(10_000, `an answer of ${name}`, plainAnswer(name, port));
      expect(status, `FUZZ_SEED=${SEED}, ${name}`).toBe(404);
      visits += 1;
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, visitAgain));
  return visits;
}

/** The status of the answer about a job that does not exist, over a connection of its own. */
function plainAnswer(name: string, port: number): Promise<number | undefined> {
  const path = `${BASE}/never-created/status`;
  return name === "http2" ? statusOverHttp2(port, path) : statusOf(port, path);
}

/** Names the promise that does not settle in time. */
function within<Result>(ms: number, what: string, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      reject(new Error(`FUZZ_SEED=${SEED}: ${what} took more than ${ms} ms.`));
    const timer = setTimeout(late, ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function stop(server: Program<FuzzSaid>): Promise<object> {
  server.tell("stop" satisfies FuzzOrder);
  const counts = server.until("its counts", ({ kind }) => kind === "stopped");
  const stopped = await within(30_000, "the counts of the server", counts);
  server.tell("exit" satisfies FuzzOrder);
  await server.exited;
  const { faults, streams } = stopped as Extract<FuzzSaid, { kind: "stopped" }>;
  return { faults, streams };
}
