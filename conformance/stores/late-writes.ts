import type { Change, HoldWrite, NewLogLine } from "@emlinh/progress-protocol";
import { allowAnyone, createProgress, type ProgressStore } from "@emlinh/progress-server";
import { expect, test } from "vitest";
import type { HoldingProxy } from "../servers/holding-proxy.js";
import { codeOf, until } from "./await-helpers.js";

/** A line of a change, with its text. */
export const line = (text: string): NewLogLine => ({ at: 1, level: "info", text });

/** Where the bytes of a call are held back. */
export interface HoldingPlace {
  readonly proxy: HoldingProxy;
  /** Matches the bytes of the call. */
  readonly held: RegExp;
}

/** Makes a call whose bytes reach the proxy only, and breaks its connection for the client. */
export async function cutOffCall<Result>(
  { proxy, held }: HoldingPlace,
  call: () => Promise<Result>,
  meanwhile: () => Promise<unknown> = async () => undefined,
): Promise<Result> {
  proxy.hold();
  const result = call();
  // Its error is thrown below. Until then nothing else handles it.
  result.catch(() => {});
  await until("the proxy holds the call", () => held.test(proxy.held()));
  await meanwhile();
  proxy.cutClients();
  return result;
}

/** The stores of a test of late writes, which have one database. */
export interface LateWrites {
  /** Reaches the server through a proxy. */
  readonly store: ProgressStore;
  /** Reaches the server without it. */
  readonly direct: ProgressStore;
  /** Makes a call of `store` whose connection is cut before the server has its bytes, and makes it again. */
  cutOff<Result>(call: () => Promise<Result>, meanwhile?: () => Promise<unknown>): Promise<Result>;
  /** Lets the server have the bytes. Resolves when it has answered. */
  deliver(): Promise<void>;
}

/** Adds the tests of writes whose bytes reach the server late, after their retry. Each begins with an empty store. */
export function lateWriteTests(stores: () => LateWrites): void {
  test("given a write that is cut off and whose bytes arrive after later writes, changes nothing", async () => {
    const { store, cutOff, deliver } = stores();
    const holdOf = await openedJob(store, "worker");
    const cut = { percent: 40, message: "old" };
    await cutOff(() => store.write("a", { set: cut, log: [line("one")], hold: holdOf(2) }));
    const later: Change = { set: { percent: 60, message: "new" }, log: [], hold: holdOf(3) };
    const { cursor } = await store.write("a", later);
    await deliver();
    const { set, log, ...now } = (await store.read("a")) ?? expect.fail("The job is missing.");
    expect(set).toMatchObject({ percent: 60, message: "new" });
    expect(log).toEqual([{ ...line("one"), n: 1, version: 3 }]);
    expect(now.cursor).toBe(cursor);
  });

  test("given a worker whose report is cut off and arrives late, keeps what was acknowledged after it", async () => {
    const { store, cutOff, deliver } = stores();
    const progress = createProgress({ store, authorize: allowAnyone });
    const { id } = await progress.create({ id: "a", kind: "count" });
    const job = await progress.open(id);
    await cutOff(async () => {
      job.update({ percent: 40, message: "old" });
      job.log("one");
      await job.flush();
    });
    job.update({ percent: 60, message: "new" });
    await job.flush();
    await deliver();
    const { set, log } = (await store.read("a")) ?? expect.fail("The job is missing.");
    expect(set).toMatchObject({ percent: 60, message: "new" });
    expect(log.map(({ n, text }) => [n, text])).toEqual([[1, "one"]]);
    expect(await job.complete({ counted: 60 })).toMatchObject({ status: "completed" });
    await progress.close();
  });

  test("given an end that is cut and arrives twice, ends the job once and acknowledges it", async () => {
    const { store, cutOff, deliver } = stores();
    const holdOf = await openedJob(store, "worker");
    const end: Change = { set: { status: "completed", result: 7 }, log: [], hold: holdOf(2) };
    const { cursor } = await cutOff(() => store.write("a", end));
    await deliver();
    expect(await store.read("a")).toMatchObject({ cursor, done: true, set: { result: 7 } });
    expect((await store.write("a", end)).cursor).toBe(cursor);
  });

  test("given a write that arrives after another worker took the job over, changes nothing", async () => {
    const { store, direct, cutOff, deliver } = stores();
    const holdOf = await openedJob(store, "first");
    const { cursor: seen } = (await store.read("a")) ?? expect.fail("The job is missing.");
    const late: Change = { set: { percent: 40 }, log: [], hold: holdOf(2) };
    const hold = { token: "second", count: 1, opens: { seen, takeOver: true } };
    const first = cutOff(
      () => store.write("a", late),
      () => direct.write("a", { set: { percent: 10 }, log: [], hold, leaseMs: 60_000 }),
    );
    expect(await codeOf(first)).toBe("hold-lost");
    await deliver();
    const job = (await store.read("a")) ?? expect.fail("The job is missing.");
    expect([job.cursor.split(".")[1], job.set.percent]).toEqual(["3", 10]);
  });
}

/** Creates the job "a" and opens it. Returns its holds by their count. */
async function openedJob(
  store: ProgressStore,
  token: string,
): Promise<(count: number) => HoldWrite> {
  const { cursor: seen } = await store.create({ id: "a", set: { status: "queued" } });
  await store.write("a", {
    set: { status: "running" },
    log: [],
    hold: { token, count: 1, opens: { seen, takeOver: false } },
    leaseMs: 60_000,
  });
  return (count) => ({ token, count });
}
