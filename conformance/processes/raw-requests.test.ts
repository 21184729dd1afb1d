import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Program, runProgram } from "../programs.js";
import type { AdapterName, Ports } from "./programs/adapters.js";
import type { RawOrder, RawSaid } from "./programs/raw-server.js";
import { seedOf } from "./random.js";
import { exchange } from "./raw-connection.js";
import { rawRequest } from "./raw-requests.js";

/** How long requests are sent to each adapter. A longer run finds more: there is one each night. */
const RAW_MS = Number(process.env.RAW_MS ?? 5_000);

/** `RAW_SEED=random` takes another one for each run. A failure names it, with the request in its shortest form. */
const SEED = seedOf("RAW_SEED");

let server: Program<RawSaid>;
let ports: Ports;

beforeAll(async () => {
  let cleanUp = async (): Promise<void> => {};
  server = await runProgram<RawSaid>(
    "processes/programs/raw-server.ts",
    {},
    {
      home: "../packages/server",
      onFinished(given) {
        cleanUp = given;
      },
    },
  );
  const said = await server.until("its ports", ({ kind }) => kind === "listening");
  if (said.kind === "listening") ports = said.ports;
  return () => cleanUp();
});

/** The slots that are left after a request, and the faults of the server. */
async function after(name: AdapterName): Promise<object> {
  const seen = server.said.length;
  server.tell({ after: name } satisfies RawOrder);
  for (;;) {
    const said = server.said.slice(seen).find((one) => one.kind === "after" && one.name === name);
    if (said?.kind === "after") return { slots: said.slots, faults: said.faults };
    await new Promise((resolve) => server.process.once("message", resolve));
  }
}

const NAMES: readonly AdapterName[] = ["node", "express", "koa", "fastify", "hono", "fetch"];

describe("given raw requests, each server answers in HTTP, with no error of its own, and serves on", () => {
  test.concurrent.each(NAMES)("%s", { timeout: RAW_MS + 60_000 }, async (name) => {
    let runs = 0;
    const property = fc.asyncProperty(rawRequest, async (request) => {
      runs += 1;
      const failure = await exchange(ports[name], request).catch((error: unknown) => error);
      // The faults are asked for in any case: those of this request must not be taken for those of the next one.
      const left = await after(name);
      if (failure !== undefined) throw failure;
      expect(left).toEqual({ slots: 0, faults: [] });
    });
    await fc.assert(property, {
      seed: SEED,
      numRuns: 1_000_000,
      interruptAfterTimeLimit: RAW_MS,
      endOnFailure: false,
      reporter: (details) => {
        if (!details.failed) return;
        const bytes = details.counterexample?.[0].bytes.toString("latin1");
        throw new Error(
          `RAW_SEED=${details.seed}, path ${details.counterexamplePath}, after ${runs} requests: ` +
            `${details.errorInstance}\nThe shortest request: ${JSON.stringify(bytes?.slice(0, 2_000))}`,
        );
      },
    });
  });
});
