import { describe, expect, test } from "vitest";
import { createProgress, memoryStore, type Progress } from "../../../src/index.js";
import { faultyStore } from "../faulty-store.js";
import { bodyOf, requestFacts } from "../requests.js";

const TOKEN = "t".repeat(32);
const JSON_TYPE = { "content-type": "application/json" };

function setUp(options: Partial<Parameters<typeof createProgress>[0]> = {}) {
  return createProgress({
    store: faultyStore(),
    authorize: () => true,
    sweepIntervalMs: false,
    onError() {},
    ...options,
  });
}

async function report(progress: Progress, id: string, body: unknown, headers = JSON_TYPE) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const facts = requestFacts(`/${id}/updates`, headers, { method: "POST", body: async () => text });
  const answer = await progress.handle(facts);
  const members = bodyOf(answer) as Readonly<Record<string, unknown>>;
  return { http: answer.status, code: members.code, detail: members.detail };
}

/** The state of a job without its id and times. */
async function stateOf(progress: Progress, id: string) {
  const state = await progress.status(id);
  const text = JSON.stringify(state, (name, value) =>
    /^(id|cursor)$|At$/.test(name) ? undefined : value,
  );
  return JSON.parse(text) as unknown;
}

test("given a report that ends its job, twice, calls onJobEnd once", async () => {
  const ended: unknown[] = [];
  const progress = setUp({ onJobEnd: (job) => void ended.push(job) });
  const { id } = await progress.create({ kind: "a" });
  const end = {
    hold: { token: TOKEN, count: 1 },
    open: {},
    end: { status: "completed", result: 1 },
  };
  expect(await report(progress, id, end)).toMatchObject({ http: 200 });
  expect(await report(progress, id, end)).toMatchObject({ http: 200 });
  expect(ended).toEqual([{ jobId: id, status: "completed", kind: "a" }]);
  expect(progress.metrics().endedJobs.completed).toBe(1);
});

describe("given the same work, a report and a reporter give the same state", () => {
  const plan = ["speech", "render", "mux"];

  test("steps, units, messages, metadata and lines", async () => {
    const progress = setUp();
    const [one, other] = [
      await progress.create({ kind: "a", plan }),
      await progress.create({ kind: "a", plan }),
    ];
    const reporter = await progress.open(one.id);
    const speech = reporter.beginStep("speech");
    speech.update({ done: 1, total: 3, unit: "lines", message: "x".repeat(5_000) });
    speech.complete();
    reporter.skip("mux");
    const render = reporter.beginStep("render");
    render.update({ percent: 50 });
    render.update({ percent: 40 });
    reporter.update({ message: "At work", metadata: { a: [1] } });
    await reporter.flush();

    const hold = (count: number) => ({ hold: { token: TOKEN, count } });
    await report(progress, other.id, {
      ...hold(1),
      open: {},
      steps: { speech: { done: 1, total: 3, unit: "lines", message: "x".repeat(5_000) } },
    });
    const ends = { speech: { status: "completed" }, mux: { status: "skipped" } };
    await report(progress, other.id, { ...hold(2), steps: { ...ends, render: { percent: 50 } } });
    await report(progress, other.id, { ...hold(3), steps: { render: { percent: 40 } } });
    await report(progress, other.id, { ...hold(4), message: "At work", metadata: { a: [1] } });
    expect(await stateOf(progress, other.id)).toEqual(await stateOf(progress, one.id));

    await reporter.complete({ url: "/v" });
    await report(progress, other.id, {
      ...hold(5),
      end: { status: "completed", result: { url: "/v" } },
    });
    expect(await stateOf(progress, other.id)).toEqual(await stateOf(progress, one.id));
    await progress.close();
  });

  test.each([
    ["failed", { code: "no-voice", message: "No voice." }],
    ["cancelled", undefined],
  ] as const)("an end as %s", async (status, error) => {
    const progress = setUp();
    const [one, other] = [
      await progress.create({ kind: "a", plan }),
      await progress.create({ kind: "a", plan }),
    ];
    const reporter = await progress.open(one.id);
    reporter.beginStep("render").update({ percent: 5 });
    await reporter.end(status, { error, message: "Over" });
    await report(progress, other.id, {
      hold: { token: TOKEN, count: 1 },
      open: {},
      steps: { render: { percent: 5 } },
      end: { status, error, message: "Over" },
    });
    expect(await stateOf(progress, other.id)).toEqual(await stateOf(progress, one.id));
    await progress.close();
  });
});

test("given the times of a step and a line, takes them from the store's clock", async () => {
  let now = 1_000_000;
  const store = memoryStore({ clock: () => now });
  const progress = setUp({ store });
  const { id } = await progress.create({ kind: "a" });
  now += 10;
  const at = [0, 1_000_005, 9_999_999_999].map((time) => ({ text: `${time}`, at: time }));
  const body = { hold: { token: TOKEN, count: 1 }, open: {}, steps: { one: {} }, log: at };
  await report(progress, id, body);
  now += 10;
  const end = { steps: { one: { status: "completed" } } };
  await report(progress, id, { hold: { token: TOKEN, count: 2 }, ...end });
  const delta = bodyOf(await progress.handle(requestFacts(`/${id}`))) as {
    set: Record<string, unknown>;
    log: { at: number }[];
  };
  expect(delta.set["steps.one"]).toMatchObject({ startedAt: 1_000_010, finishedAt: 1_000_020 });
  expect(delta.log.map((line) => line.at)).toEqual([1_000_000, 1_000_005, 1_000_010]);
  await progress.close();
});

test("given allowAnyone, or an authorize without report, reads no body", async () => {
  const progress = setUp({ authorize: ({ action }) => action !== "report" });
  const { id } = await progress.create({ kind: "a" });
  let reads = 0;
  const body = async () => {
    reads += 1;
    return "{}";
  };
  const facts = requestFacts(`/${id}/updates`, JSON_TYPE, { method: "POST", body });
  expect(bodyOf(await progress.handle(facts))).toMatchObject({ code: "forbidden" });
  expect(reads).toBe(0);
  await progress.close();
});

test("given an adapter that reads no bodies, refuses the report", async () => {
  const progress = setUp();
  const facts = requestFacts("/a/updates", JSON_TYPE, { method: "POST" });
  expect(bodyOf(await progress.handle(facts))).toMatchObject({ code: "invalid-request" });
  await progress.close();
});

test("given text of the body that is not printable ASCII, shows none of it in the detail", async () => {
  const progress = setUp();
  const { id } = await progress.create({ kind: "a" });
  const open = { attempt: "\u0000é".repeat(500) };
  const { detail } = await report(progress, id, { hold: { token: TOKEN, count: 1 }, open });
  expect(detail).toMatch(/^open\.attempt is [ -~]{1,700}$/);
  await progress.close();
});

test("given fields without end, refuses those above the bounds, and accepts the end", async () => {
  const progress = setUp();
  const { id } = await progress.create({ kind: "a" });
  await report(progress, id, { hold: { token: TOKEN, count: 1 }, open: {} });
  const steps = (from: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${from + index}`, {}]));
  const send = (count: number, body: object) =>
    report(progress, id, { hold: { token: TOKEN, count }, ...body });
  expect(await send(2, { steps: steps(0, 900) })).toMatchObject({ http: 200 });
  expect(await send(3, { steps: steps(900, 200) })).toMatchObject({
    http: 413,
    code: "too-large",
  });
  expect(await send(4, { end: { status: "completed" } })).toMatchObject({ http: 200 });
  await progress.close();
});
