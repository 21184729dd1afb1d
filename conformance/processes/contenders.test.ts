import type { ProgressStore } from "@emlinh/progress-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Program, runProgram } from "../programs.js";
import { BACKENDS, type Backend } from "../stores/backends.js";
import { openStore } from "../stores/open-store.js";
import { type History, recordHistory } from "./history.js";
import type { ContenderOrder, ContenderOrders, ContenderSaid } from "./programs/contender.js";

const LEASE_MS = 1_500;

type Contender = Program<ContenderSaid>;

/** A job, and two processes that want to work on it. */
interface Contest {
  readonly store: ProgressStore;
  readonly contenders: readonly [one: Contender, two: Contender];
}

async function begin(start: () => Promise<Backend>): Promise<Contest> {
  const { address, stop } = await start();
  onTestFinished(stop);
  const { store, close } = await openStore(address);
  onTestFinished(close);
  const run = async (name: string): Promise<Contender> => {
    const orders: ContenderOrders = { address, name, leaseMs: LEASE_MS };
    const contender = await runProgram<ContenderSaid>("processes/programs/contender.ts", orders);
    await contender.until("that it waits", ({ kind }) => kind === "waiting");
    return contender;
  };
  return { store, contenders: await Promise.all([run("one"), run("two")]) };
}

/** Creates a job, and begins to read it. */
async function createJob(store: ProgressStore, id: string): Promise<History> {
  await store.create({ id, set: { kind: "video", status: "queued", attempt: 1 } });
  return recordHistory(store, id);
}

function tell(contender: Contender, order: ContenderOrder): void {
  contender.tell(order);
}

/** The first message of a kind about a job; or how its run ended, if that comes first. */
async function said(
  contender: Contender,
  jobId: string,
  kind: ContenderSaid["kind"],
): Promise<string> {
  const message = await contender.until(
    kind,
    (each) => each.jobId === jobId && (each.kind === kind || each.kind === "ended"),
  );
  return "code" in message ? message.code : message.kind;
}

async function expectRight(history: History, writers: readonly string[]): Promise<void> {
  await history.until("the end", ({ status }) => status === "completed");
  await history.stop();
  expect(history.faults()).toEqual([]);
  expect(history.writers()).toEqual(writers);
}

for (const { name, start } of BACKENDS)
  describe(`${name}: two processes and one job`, () => {
    test("given that both open it at once, exactly one works", async () => {
      const { store, contenders } = await begin(start);
      for (let round = 0; round < 8; round += 1) {
        const jobId = `round-${round}`;
        const history = await createJob(store, jobId);
        for (const contender of contenders) tell(contender, { kind: "open", jobId });
        const outcomes = await Promise.all(contenders.map((it) => said(it, jobId, "working")));
        expect(outcomes.toSorted()).toEqual(["job-held", "working"]);
        const winner = outcomes.indexOf("working");
        tell(contenders[winner as 0 | 1], { kind: "finish" });
        expect(await said(contenders[winner as 0 | 1], jobId, "ended")).toBe("completed");
        await expectRight(history, [winner === 0 ? "one" : "two"]);
      }
    });

    for (const options of [{ takeOver: true }, { attempt: "next" }] as const)
      test(`given ${JSON.stringify(options)}, the first worker aborts and changes nothing afterwards`, async () => {
        const { store, contenders } = await begin(start);
        const [one, two] = contenders;
        const history = await createJob(store, "job");
        tell(one, { kind: "open", jobId: "job" });
        expect(await said(one, "job", "working")).toBe("working");
        await history.until("5 %", ({ percent }) => Number(percent) > 5);
        tell(two, { kind: "open", jobId: "job", ...options });
        expect(await said(two, "job", "working")).toBe("working");
        // The refusal of its next write, or the news of another attempt: either may come first.
        const codes = "attempt" in options ? ["attempt-superseded", "hold-lost"] : ["hold-lost"];
        expect(codes).toContain(await said(one, "job", "aborted"));
        expect(codes).toContain(await said(one, "job", "ended"));
        tell(two, { kind: "finish" });
        expect(await said(two, "job", "ended")).toBe("completed");
        await expectRight(history, ["one", "two"]);
      });

    test("given SIGSTOP until the lease has run out, another worker goes on, and the first one's late writes change nothing", async () => {
      const { store, contenders } = await begin(start);
      const [one, two] = contenders;
      const history = await createJob(store, "job");
      tell(one, { kind: "open", jobId: "job" });
      expect(await said(one, "job", "working")).toBe("working");
      await one.kill("SIGSTOP");
      // The second worker tries until the lease has run out. Nobody sweeps.
      let outcome = "job-held";
      while (outcome === "job-held") {
        tell(two, { kind: "open", jobId: "job" });
        outcome = await said(two, "job", "working");
      }
      expect(outcome).toBe("working");
      await one.kill("SIGCONT");
      expect(await said(one, "job", "aborted")).toBe("hold-lost");
      expect(await said(one, "job", "ended")).toBe("hold-lost");
      tell(two, { kind: "finish" });
      expect(await said(two, "job", "ended")).toBe("completed");
      await expectRight(history, ["one", "two"]);
    });
  });
