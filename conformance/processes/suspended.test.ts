import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import { type Program, runProgram } from "../programs.js";
import { BACKENDS } from "../stores/backends.js";
import { type JobsAddress, PLACES } from "./addresses.js";
import type { ManyJobsOrder, ManyJobsOrders, ManyJobsSaid } from "./programs/many-jobs.js";

const LEASE_MS = 1_000;
const JOBS = 12;

type ManyJobs = Program<ManyJobsSaid>;

/** The ways in which a process misses the time of three leases. */
const FAULTS: readonly { readonly name: string; apply(program: ManyJobs): Promise<void> }[] = [
  {
    name: "SIGSTOP for three leases, then SIGCONT",
    async apply(program) {
      await program.kill("SIGSTOP");
      await pause(3 * LEASE_MS);
      await program.kill("SIGCONT");
    },
  },
  {
    name: "a time of day that jumps ahead by 90 s",
    apply: (program) => carryOut(program, { kind: "jump", ms: 90_000 }),
  },
  {
    name: "an event loop that is blocked for three leases",
    apply: (program) => carryOut(program, { kind: "block", ms: 3 * LEASE_MS }),
  },
];

async function carryOut(program: ManyJobs, order: ManyJobsOrder): Promise<void> {
  program.tell(order);
  await program.until(order.kind, (said) => said.kind === "done" && said.order === order.kind);
}

describe("a process that was suspended", () => {
  for (const { name, start } of PLACES)
    for (const fault of FAULTS)
      test.concurrent(`${name}: given ${fault.name}, completes every job`, async (context) => {
        const { address, stop } = await start();
        context.onTestFinished(stop);
        const program = await startJobs(context, address, { jobs: JOBS, sweepIntervalMs: 400 });
        await fault.apply(program);
        // Sweeps that judge the leases after the fault. The first one of them comes a whole lease later.
        await sweeps(program, 3);
        expect(await statuses(program)).toEqual(Array.from({ length: JOBS }, () => "completed"));
        expect(lostIn(program)).toBe(0);
      });

  for (const { name, start } of BACKENDS)
    test.concurrent(`${name}: given a machine that slept, a process that sweeps loses no job of another one`, async (context) => {
      const { address, stop } = await start();
      context.onTestFinished(stop);
      const worker = await startJobs(context, address, { jobs: JOBS, sweepIntervalMs: false });
      const sweeper = await startJobs(context, address, { jobs: 0, sweepIntervalMs: 400 });
      await sweeps(sweeper, 1);
      await Promise.all([worker.kill("SIGSTOP"), sweeper.kill("SIGSTOP")]);
      await pause(3 * LEASE_MS);
      await sweeper.kill("SIGCONT");
      // The worker wakes later than the process that judges its leases.
      await pause(LEASE_MS / 3);
      await worker.kill("SIGCONT");
      await sweeps(sweeper, 3);
      expect(await statuses(worker)).toEqual(Array.from({ length: JOBS }, () => "completed"));
      expect(lostIn(sweeper)).toBe(0);
    });
});

async function startJobs(
  { onTestFinished }: TestContext,
  address: JobsAddress,
  more: Pick<ManyJobsOrders, "jobs" | "sweepIntervalMs">,
): Promise<ManyJobs> {
  const orders: ManyJobsOrders = { address, leaseMs: LEASE_MS, ...more };
  const options = { onFinished: onTestFinished };
  const program = await runProgram<ManyJobsSaid>(
    "processes/programs/many-jobs.ts",
    orders,
    options,
  );
  await program.until("that it works", ({ kind }) => kind === "working");
  return program;
}

async function sweeps(program: ManyJobs, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await program.until("a sweep", ({ kind }) => kind === "swept");
}

async function statuses(program: ManyJobs): Promise<readonly string[]> {
  program.tell({ kind: "finish" } satisfies ManyJobsOrder);
  const ended = await program.until("the ends", ({ kind }) => kind === "ended");
  return ended.kind === "ended" ? ended.statuses : [];
}

function lostIn({ said }: ManyJobs): number {
  return said.reduce((sum, each) => sum + (each.kind === "swept" ? each.lost : 0), 0);
}
