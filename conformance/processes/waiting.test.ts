import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import { type Program, runProgram } from "../programs.js";
import { SERVED_BACKENDS } from "../stores/backends.js";
import type { Away } from "./away-store.js";
import type { WaitingCall, WaitingOrders, WaitingSaid } from "./programs/waiting.js";

/** A process that exits while its main program awaits a promise has this code. */
const UNSETTLED_AWAIT = 13;

const DELIVERIES: readonly WaitingCall[] = ["run", "complete", "flush"];

const ALL: Away["methods"] = ["create", "write", "read", "watch", "sweep"];

/** How long a server is away. */
const AWAY_MS = 2_000;

/** The time for a process that is done to exit: shorter than any lease, heartbeat or time limit. */
const PROMPTLY_MS = 4_000;

describe("a process with nothing but a promise of ours to wait for", () => {
  for (const calls of ["reject", "hang"] as const) {
    for (const call of DELIVERIES)
      test.concurrent(`given ${call}() and a store whose calls ${calls}, delivers once it is back`, async (context) => {
        const times = calls === "reject" ? 3 : 1;
        const store: Away = { kind: "away", calls, methods: ["write"], times };
        const program = await start(context, { call, store });
        expect(await outcomeOf(program)).toBe("resolved");
        expect(await program.exited).toBe(0);
      });

    test.concurrent(`given complete() and a store whose calls ${calls} for good, rejects after maxDeliveryMs`, async (context) => {
      const store: Away = { kind: "away", calls, methods: ALL, times: 1_000 };
      const program = await start(context, { call: "complete", store, maxDeliveryMs: 1_500 });
      expect(await outcomeOf(program)).toBe("store-unavailable");
      expect(await program.exited).not.toBe(UNSETTLED_AWAIT);
    });

    for (const call of ["create", "status", "open"] as const)
      test.concurrent(`given ${call}() and a store whose calls ${calls}, rejects in time`, async (context) => {
        const store: Away = { kind: "away", calls, methods: ALL, times: 1_000 };
        const program = await start(context, { call, store });
        expect(await outcomeOf(program)).toBe("store-unavailable");
        expect(await program.exited).toBe(0);
      });
  }

  for (const { name, start: startBackend } of SERVED_BACKENDS)
    for (const call of DELIVERIES)
      test.concurrent(`${name}: given ${call}() and a server that is stopped, delivers once it is started again`, async (context) => {
        const backend = await startBackend();
        context.onTestFinished(() => backend.stop());
        const program = await start(context, { call, store: backend.address });
        await backend.halt();
        program.tell("The server is stopped.");
        const outcome = outcomeOf(program);
        const early = await Promise.race([program.exited, outcome, pause(AWAY_MS, "it waits")]);
        expect(early).toBe("it waits");
        await backend.resume();
        expect(await outcome).toBe("resolved");
        expect(await program.exited).toBe(0);
      });
});

describe("a process that is done", () => {
  test.concurrent("exits by itself, though neither its progress nor its store is closed", async (context) => {
    const store: Away = { kind: "away", calls: "reject", methods: [], times: 0 };
    const program = await start(context, { call: "run", store });
    expect(await outcomeOf(program)).toBe("resolved");
    const since = performance.now();
    expect(await program.exited).toBe(0);
    expect(performance.now() - since).toBeLessThan(PROMPTLY_MS);
  });
});

async function start(
  { onTestFinished }: TestContext,
  orders: WaitingOrders,
): Promise<Program<WaitingSaid>> {
  const options = { onFinished: onTestFinished };
  const program = await runProgram<WaitingSaid>("processes/programs/waiting.ts", orders, options);
  await program.until("that it is ready", ({ kind }) => kind === "ready");
  return program;
}

/** How the call of the program was settled. Rejects if the program exits before. */
async function outcomeOf(program: Program<WaitingSaid>): Promise<string> {
  const settled = await program.until("an outcome", ({ kind }) => kind === "settled");
  return settled.kind === "settled" ? settled.outcome : "";
}
