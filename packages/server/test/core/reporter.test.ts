import { describe, expect, test } from "vitest";
import { defineJob, JobFailure, memoryStore, type Reporter } from "../../src/index.js";
import { faultyStore } from "./faulty-store.js";
import { makeWorld, pass, useFakeTime, type World } from "./kit.js";

useFakeTime();

const PLAN = [
  { id: "speech", title: "Speech", weight: 1 },
  { id: "render", title: "Render", weight: 3 },
];

async function planned({ progress }: World): Promise<Reporter> {
  return progress.open(await progress.create({ kind: "video", plan: PLAN }));
}

async function plain({ progress }: World): Promise<Reporter> {
  return progress.open(await progress.create({ kind: "import" }));
}

const stateOf = async ({ progress }: World, { id }: Pick<Reporter, "id">) => {
  const state = await progress.status(id);
  if (state === undefined) throw new Error("The job is gone.");
  return state;
};

const logOf = async ({ store }: World, { id }: Reporter) =>
  (await store.read(id))?.log.map(({ text }) => text);

/** Flushes over the wait between two tries. */
async function flushed(job: Reporter): Promise<void> {
  const flushing = job.flush();
  await pass(6_000);
  await flushing;
}

describe("open", () => {
  test("given a queued job, starts it", async () => {
    const world = makeWorld();
    const job = await plain(world);
    expect(await stateOf(world, job)).toMatchObject({
      status: "running",
      attempt: 1,
      startedAt: Date.now(),
    });
    expect(job.state).toMatchObject({ status: "running", startedAt: Date.now() });
  });

  test("given a running job, takes it over as it is", async () => {
    const world = makeWorld();
    const first = await planned(world);
    first.beginStep("speech").update({ percent: 40 });
    await first.flush();
    await pass(1_000);
    const second = await world.progress.open(first.id);
    expect(second.state).toMatchObject({
      startedAt: 1_700_000_000_000,
      steps: { speech: { status: "running", percent: 40 } },
    });
    second.beginStep("speech").update({ percent: 30 });
    await second.flush();
    expect((await stateOf(world, second)).steps.speech).toMatchObject({ percent: 40 });
  });

  test.each(["completed", "failed", "cancelled", "lost", "timed-out"])(
    "given a job that is %s, refuses it",
    async (status) => {
      const { progress, job, set } = makeWorld();
      const id = await job();
      await set(id, { status });
      await expect(progress.open(id)).rejects.toMatchObject({ code: "job-finished" });
      expect(progress.stats()).toEqual({ streams: 0, watchedJobs: 0, reporters: 0 });
    },
  );

  test("given an unknown id, refuses it", async () => {
    const { progress } = makeWorld();
    await expect(progress.open("nobody")).rejects.toMatchObject({ code: "job-not-found" });
  });

  test.each([0, Number.NaN, Number.POSITIVE_INFINITY, 200, "15s"])(
    "given a lease of %s, refuses it before it writes",
    async (leaseMs) => {
      const { progress, job, store } = makeWorld({ reportIntervalMs: 100 });
      const id = await job();
      const opening = progress.open(id, { leaseMs: leaseMs as number });
      await expect(opening).rejects.toMatchObject({ code: "invalid-option" });
      expect(store.calls).toMatchObject({ write: 0, watch: 0 });
    },
  );

  test("given a store that is away, says so", async () => {
    const { progress, job, store } = makeWorld();
    const id = await job();
    store.fail("write");
    await expect(progress.open(id)).rejects.toMatchObject({ code: "store-unavailable" });
    expect(progress.stats()).toMatchObject({ watchedJobs: 0, reporters: 0 });
  });
});

test("given a job that is ended while it is opened, gives a reporter that is stopped already", async () => {
  const { progress, job, store, set } = makeWorld({ rereadMs: 1_000 });
  const id = await job();
  const release = store.holdAnswersOf("write");
  const opening = progress.open(id);
  await pass(1_000);
  const setting = set(id, { status: "timed-out" });
  await pass(2_000);
  release();
  await setting;
  const reporter = await opening;
  expect(reporter.signal.reason).toMatchObject({ code: "job-timed-out" });
  expect(progress.stats()).toEqual({ streams: 0, watchedJobs: 0, reporters: 0 });
});

test("given close() while a job is opened, rejects, and renews nothing", async () => {
  const { progress, job, store } = makeWorld();
  const id = await job();
  const release = store.hold("write");
  const opening = expect(progress.open(id)).rejects.toMatchObject({ code: "closed" });
  await pass(0);
  await progress.close();
  release();
  await opening;
  const { write } = store.calls;
  await pass(60_000);
  expect(store.calls.write).toBe(write);
});

describe("a retry", () => {
  test("given attempt: next, takes back steps, percent and error, and counts the attempt", async () => {
    const world = makeWorld();
    const first = await planned(world);
    await first.step("speech", () => {});
    first.log("kept");
    await first.flush();
    await pass(1_000);
    const second = await world.progress.open(first.id, { attempt: "next" });
    expect(await stateOf(world, second)).toMatchObject({
      attempt: 2,
      percent: 0,
      steps: {},
      step: null,
      startedAt: Date.now(),
    });
    expect(second.state).toMatchObject({ attempt: 2, steps: {} });
    expect(await logOf(world, second)).toEqual(["kept"]);
  });

  test("given a later attempt, stops the earlier worker, and writes nothing of it", async () => {
    const world = makeWorld();
    const first = await planned(world);
    await pass(1_000);
    const second = await world.progress.open(first.id, { attempt: "next" });
    first.log("from the grave");
    await pass(1_000);
    expect(first.signal.aborted).toBe(true);
    expect(first.signal.reason).toMatchObject({ code: "attempt-superseded" });
    await expect(first.complete(1)).rejects.toMatchObject({ code: "attempt-superseded" });
    expect(await logOf(world, second)).toEqual([]);
    await second.complete(2);
    expect(await stateOf(world, second)).toMatchObject({ status: "completed", result: 2 });
  });

  test("given two workers that begin the same attempt, refuses one", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    await (await progress.open(id)).close();
    const outcomes = await Promise.allSettled([
      progress.open(id, { attempt: "next" }),
      progress.open(id, { attempt: "next" }),
    ]);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused).toMatchObject([{ reason: { code: "attempt-superseded" } }]);
  });
});

describe("update and log", () => {
  test("given many updates, writes the first at once and the rest once per interval", async () => {
    const world = makeWorld({ reportIntervalMs: 100 });
    const job = await plain(world);
    await pass(200);
    const before = world.store.calls.write;
    for (let percent = 1; percent <= 50; percent += 1)
      job.update({ percent, message: `${percent}` });
    await pass(0);
    expect(world.store.calls.write).toBe(before + 1);
    expect((await stateOf(world, job)).percent).toBe(1);
    await pass(100);
    expect(world.store.calls.write).toBe(before + 2);
    expect(await stateOf(world, job)).toMatchObject({ percent: 50, message: "50" });
    await pass(1_000);
    expect(world.store.calls.write).toBe(before + 2);
  });

  test("given a lower percent, keeps the higher", async () => {
    const world = makeWorld();
    const job = await plain(world);
    for (const percent of [40, 20, 60.57, 200]) job.update({ percent });
    expect(job.state.percent).toBe(99);
    await job.flush();
    expect((await world.store.read(job.id))?.set.percent).toBe(100);
  });

  test("given a log line, takes what waits with it, at once and in order", async () => {
    const world = makeWorld();
    const job = await plain(world);
    job.update({ message: "first" });
    job.update({ message: "second" });
    job.log("line", { level: "warn", data: { frame: 1 } });
    await pass(0);
    const delta = await world.store.read(job.id);
    expect(delta?.set.message).toBe("second");
    expect(delta?.log).toMatchObject([{ n: 1, level: "warn", text: "line", data: { frame: 1 } }]);
  });

  test("given values that can't be reported, tells onError, throws nothing and sends the others", async () => {
    const world = makeWorld();
    const job = await plain(world);
    const wrong = job as unknown as { update(value: unknown): void; log(...args: unknown[]): void };
    wrong.update({ percent: Number.NaN });
    wrong.update({ percent: "50" });
    wrong.update({ metadata: { "not a key": 1 } });
    wrong.update({ metadata: { size: 10n } });
    wrong.update({ metadata: { big: "x".repeat(300_000) } });
    wrong.log("text", { level: "shout" });
    wrong.update({
      get metadata() {
        throw new Error("a getter of the app's");
      },
    });
    for (const nothing of [undefined, null]) {
      wrong.update(nothing);
      (job.beginStep("s") as unknown as typeof wrong).update(nothing);
    }
    job.update({ metadata: { good: 1 } });
    await job.flush();
    expect(world.errors.map(({ code }) => code)).toEqual([
      "invalid-change",
      "invalid-change",
      "invalid-change",
      "invalid-change",
      "too-large",
      "invalid-change",
      "internal",
    ]);
    expect(await stateOf(world, job)).toMatchObject({ metadata: { good: 1 }, percent: null });
  });

  test("given a percent for a job with a plan, tells onError that it follows from the steps", async () => {
    const world = makeWorld();
    const job = await planned(world);
    job.update({ percent: 50 });
    expect(world.errors[0]?.message).toContain("plan");
    expect(job.state.percent).toBe(0);
  });

  test("given a value that is changed afterwards, has reported what it was", async () => {
    const world = makeWorld();
    const job = await plain(world);
    await pass(200);
    const list = [1];
    job.update({ message: "leading" });
    job.update({ metadata: { list } });
    list.push(2);
    await job.flush();
    expect((await stateOf(world, job)).metadata).toEqual({ list: [1] });
  });

  test("given null, takes a metadata key and the message away; undefined leaves them", async () => {
    const world = makeWorld();
    const job = await plain(world);
    job.update({ message: "m", metadata: { a: 1, b: 2 } });
    job.update({ message: undefined, metadata: { a: null, b: undefined } });
    expect(job.state).toMatchObject({ message: "m", metadata: { b: 2 } });
    job.update({ message: null });
    await job.flush();
    expect(await stateOf(world, job)).toMatchObject({ message: null, metadata: { b: 2 } });
  });

  test("given a text that is too long, cuts it, and no character in two", async () => {
    const world = makeWorld();
    const job = await plain(world);
    job.log(`${"a".repeat(4094)}😀 and more`);
    await job.flush();
    const [text] = (await logOf(world, job)) ?? [];
    expect(text).toBe(`${"a".repeat(4094)}…`);
  });
});

describe("steps", () => {
  test("given a step, tells its start and end at once, with its times and its units", async () => {
    const world = makeWorld();
    const job = await planned(world);
    await job.step("render", async (step) => {
      await pass(0);
      expect(await stateOf(world, job)).toMatchObject({
        step: "render",
        steps: { render: { status: "running", percent: null, startedAt: 1_700_000_000_000 } },
      });
      await pass(2_000);
      step.update({ done: 40, total: 80, unit: "frames", message: "half" });
      await pass(200);
      expect((await stateOf(world, job)).percent).toBe(37.5);
    });
    await pass(0);
    const state = await stateOf(world, job);
    expect(state.steps.render).toEqual({
      status: "completed",
      percent: 100,
      done: 80,
      total: 80,
      unit: "frames",
      message: "half",
      startedAt: 1_700_000_000_000,
      finishedAt: 1_700_000_002_200,
    });
    expect(state.percent).toBe(75);
  });

  test("given work that throws, marks the step as failed and passes the error on", async () => {
    const world = makeWorld();
    const job = await planned(world);
    const error = new Error("disk");
    await expect(
      job.step("render", () => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(job.state.steps.render).toMatchObject({ status: "failed" });
  });

  test("given skip, counts the step as done", async () => {
    const world = makeWorld();
    const job = await planned(world);
    job.skip("speech");
    await job.flush();
    const state = await stateOf(world, job);
    expect(state).toMatchObject({
      percent: 25,
      step: null,
      steps: { speech: { status: "skipped" } },
    });
  });

  test("given a step that is ended, does nothing more with it", async () => {
    const world = makeWorld();
    const job = await planned(world);
    const step = job.beginStep("speech");
    step.complete();
    step.update({ percent: 5 });
    step.fail("late");
    step.skip();
    expect(job.state.steps.speech).toMatchObject({ status: "completed", percent: 100 });
    expect(job.state.steps.speech).not.toHaveProperty("message");
  });

  test("given a completed step that is run again, keeps it completed and runs the work", async () => {
    const world = makeWorld();
    const job = await planned(world);
    await job.step("speech", () => {});
    const { speech } = job.state.steps;
    const again = job.step("speech", (step) => {
      step.update({ percent: 1 });
      return "ran";
    });
    expect(await again).toBe("ran");
    expect(job.state.steps.speech).toEqual(speech);
  });

  test("given a failed step that is run again, doesn't lower its percent", async () => {
    const world = makeWorld();
    const job = await planned(world);
    const step = job.beginStep("render");
    step.update({ percent: 70 });
    step.fail("once");
    job.beginStep("render").update({ percent: 10 });
    expect(job.state.steps.render).toMatchObject({ status: "running", percent: 70 });
  });

  test.each([
    { done: Number.NaN },
    { total: -1 },
    { percent: Number.POSITIVE_INFINITY },
    { message: 5 },
  ])("given %o, tells onError and leaves the step as it is", async (update) => {
    const world = makeWorld();
    const job = await planned(world);
    const step = job.beginStep("render");
    step.update(update as never);
    expect(world.errors).toMatchObject([{ code: "invalid-change" }]);
    expect(job.state.steps.render).toEqual({
      status: "running",
      percent: null,
      startedAt: Date.now(),
    });
  });

  test("given nothing of nothing done, has no percent", async () => {
    const world = makeWorld();
    const job = await planned(world);
    job.beginStep("render").update({ done: 0, total: 0 });
    expect(job.state.steps.render).toMatchObject({ percent: null });
  });
});

describe("the end", () => {
  test("given complete, writes what waits and the end as one, with the steps that still ran", async () => {
    const world = makeWorld();
    const job = await planned(world);
    await pass(200);
    job.beginStep("speech");
    job.update({ message: "nearly" });
    const state = await job.complete({ videoUrl: "/v" });
    expect(state).toMatchObject({
      status: "completed",
      percent: 100,
      message: "nearly",
      result: { videoUrl: "/v" },
      finishedAt: Date.now(),
      steps: { speech: { status: "completed" } },
    });
    const { cursor, ...stored } = await stateOf(world, job);
    expect(state).toEqual(stored);
    expect(world.progress.stats()).toEqual({ streams: 0, watchedJobs: 0, reporters: 0 });
  });

  test("given a second end, refuses it, and ignores what comes after", async () => {
    const world = makeWorld();
    const job = await plain(world);
    await job.complete(1);
    await expect(job.fail({ code: "x", message: "y" })).rejects.toMatchObject({
      code: "job-finished",
    });
    job.update({ message: "late" });
    job.log("late");
    await pass(60_000);
    expect(await stateOf(world, job)).toMatchObject({ status: "completed", message: null });
    expect(await logOf(world, job)).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  test("given two ends at once, takes the first", async () => {
    const world = makeWorld();
    const job = await plain(world);
    const outcomes = await Promise.allSettled([
      job.complete(1),
      job.fail({ code: "x", message: "y" }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((await stateOf(world, job)).status).toBe("completed");
  });

  test("given a result that is no JSON, refuses it, and can still end otherwise", async () => {
    const world = makeWorld();
    const job = await plain(world);
    await expect(job.complete((() => 1) as never)).rejects.toMatchObject({
      code: "invalid-change",
    });
    await job.fail({ code: "no-result", message: "Nothing came of it." });
    expect(await stateOf(world, job)).toMatchObject({
      status: "failed",
      error: { code: "no-result" },
    });
  });

  test.each([
    [
      "a JobError",
      { code: "quota", message: "No disk left." },
      { code: "quota", message: "No disk left." },
    ],
    [
      "a JobFailure",
      new JobFailure({ code: "quota", message: "No disk." }),
      { code: "quota", message: "No disk." },
    ],
    [
      "a foreign error",
      new Error("/etc/shadow"),
      { code: "job-failed", message: "The job failed." },
    ],
    ["a text", "ENOENT /root", { code: "job-failed", message: "The job failed." }],
    [
      "an error with a code",
      Object.assign(new Error("ENOENT /root"), { code: "ENOENT" }),
      { code: "job-failed", message: "The job failed." },
    ],
  ])("given fail with %s, shows what may be shown", async (_name, error, shown) => {
    const world = makeWorld();
    const job = await plain(world);
    await job.fail(error);
    expect((await stateOf(world, job)).error).toEqual(shown);
    const isForeign = shown.code === "job-failed";
    expect(world.errors.map(({ cause }) => cause)).toEqual(isForeign ? [error] : []);
  });

  test("given cancelled and end, tells the status and the message", async () => {
    const world = makeWorld();
    const [one, other] = [await plain(world), await plain(world)];
    expect(await one.cancelled("As you wished.")).toMatchObject({
      status: "cancelled",
      message: "As you wished.",
    });
    const error = { code: "oom", message: "The worker was killed." };
    expect(await other.end("lost", { error })).toMatchObject({ status: "lost", error });
  });
});

describe("what others do to the job", () => {
  test("given a cancel, aborts the signal, and still takes the worker's last words", async () => {
    const world = makeWorld();
    const job = await plain(world);
    await pass(1_000);
    await world.progress.cancel(job.id);
    await pass(1_000);
    expect(job.signal.reason).toMatchObject({ code: "job-cancelled" });
    expect(job.state.cancelRequested).toBe(true);
    job.log("tidying up");
    await job.cancelled();
    expect(await logOf(world, job)).toEqual(["tidying up"]);
  });

  test("given a cancel whose wake is lost, is told by the re-read", async () => {
    const world = makeWorld({ rereadMs: 2_000 });
    const job = await plain(world);
    world.store.wakes = "lost";
    await world.progress.cancel(job.id);
    await pass(2_500);
    expect(job.signal.aborted).toBe(true);
  });

  test("given a cancel before it was opened, is aborted from the start", async () => {
    const world = makeWorld();
    const job = await plain(world);
    await world.progress.cancel(job.id);
    const next = await world.progress.open(job.id);
    expect(next.signal.aborted).toBe(true);
  });

  test.each([
    ["lost", "job-lost"],
    ["timed-out", "job-timed-out"],
    ["cancelled", "job-cancelled"],
    ["completed", "job-finished"],
  ])(
    "given an end as %s by another hand, aborts with %s, and refuses its own",
    async (status, code) => {
      const world = makeWorld();
      const job = await plain(world);
      await pass(1_000);
      await world.set(job.id, { status });
      await pass(1_000);
      expect(job.signal.reason).toMatchObject({ code });
      await expect(job.complete(1)).rejects.toMatchObject({ code });
      expect((await stateOf(world, job)).status).toBe(status);
      expect(world.progress.stats()).toMatchObject({ watchedJobs: 0, reporters: 0 });
    },
  );

  test("given a job that is removed, aborts", async () => {
    const world = makeWorld({ rereadMs: 1_000 });
    const job = await plain(world);
    world.store.read = async () => undefined;
    await pass(1_500);
    expect(job.signal.reason).toMatchObject({ code: "job-expired" });
  });

  test("given the caller's own signal, is cancelled by it", async () => {
    const world = makeWorld();
    const caller = new AbortController();
    const { id } = await world.progress.create({ kind: "k" });
    const job = await world.progress.open(id, { signal: caller.signal });
    caller.abort();
    expect(job.signal.reason).toMatchObject({ code: "job-cancelled" });
  });
});

describe("given a worker that writes often and that nobody watches", () => {
  async function writeOften(world: World): Promise<number> {
    const job = await plain(world);
    const before = world.store.calls.read;
    for (let by = 0; by < 100; by += 1) {
      job.update({ message: `${by}` });
      await pass(100);
    }
    expect(world.store.calls.write).toBeGreaterThan(100);
    return world.store.calls.read - before;
  }

  test("knows its own writes by their versions, and reads them only to be sure", async () => {
    expect(await writeOften(makeWorld({ reportIntervalMs: 50 }))).toBeLessThanOrEqual(2);
  });

  test("reads twice a second at most where hints tell no version", async () => {
    const world = makeWorld({ reportIntervalMs: 50 });
    world.store.tellsVersions = false;
    expect(await writeOften(world)).toBeLessThanOrEqual(21);
  });

  test.each([
    { what: "between two writes", held: false },
    { what: "while a write is under way", held: true },
  ])("heeds a cancel at once that comes $what", async ({ held }) => {
    const world = makeWorld({ reportIntervalMs: 50 });
    const job = await plain(world);
    job.update({ message: "first" });
    await pass(60);
    const release = held ? world.store.holdAnswersOf("write") : undefined;
    if (held) job.log("under way");
    await pass(0);
    const cancelling = world.set(job.id, { cancelRequested: true });
    release?.();
    await cancelling;
    await pass(0);
    expect(job.signal.reason).toMatchObject({ code: "job-cancelled" });
  });

  test("heeds a cancel whose hint is lost as soon as its next write is answered", async () => {
    const world = makeWorld({ reportIntervalMs: 50, rereadMs: 60_000 });
    const job = await plain(world);
    world.store.wakes = "lost";
    await world.set(job.id, { cancelRequested: true });
    await pass(100);
    expect(job.signal.aborted).toBe(false);
    job.update({ message: "next" });
    await pass(0);
    expect(job.signal.reason).toMatchObject({ code: "job-cancelled" });
  });

  test("heeds a cancel whose hint is lost as soon as its lease is renewed", async () => {
    const world = makeWorld({ rereadMs: 60_000, leaseMs: 3_000 });
    const job = await plain(world);
    world.store.wakes = "lost";
    await world.set(job.id, { cancelRequested: true });
    await pass(1_000);
    expect(job.signal.reason).toMatchObject({ code: "job-cancelled" });
  });
});

describe("the lease", () => {
  test("given silent work, is renewed each third of it, without a new version", async () => {
    const world = makeWorld({ leaseMs: 15_000 });
    const job = await plain(world);
    const { cursor } = await stateOf(world, job);
    const before = world.store.calls.write;
    await pass(60_000);
    expect(world.store.calls.write - before).toBe(12);
    expect((await stateOf(world, job)).cursor).toBe(cursor);
    await world.store.sweep(Date.now(), 10);
    expect(await stateOf(world, job)).toMatchObject({ status: "running", stale: false });
  });

  test("given a worker that writes, isn't renewed besides", async () => {
    const world = makeWorld({ leaseMs: 15_000 });
    const job = await plain(world);
    const before = world.store.calls.write;
    for (let second = 0; second < 20; second += 1) {
      job.update({ message: `${second}` });
      await pass(1_000);
    }
    expect(world.store.calls.write - before).toBe(20);
  });

  test("given a worker that died, shows as stale, then as lost", async () => {
    const world = makeWorld({ leaseMs: 15_000 });
    const job = await plain(world);
    await world.progress.close();
    expect(job.signal.reason).toMatchObject({ code: "closed" });
    await world.store.sweep(Date.now() + 16_000, 10);
    expect(await world.store.read(job.id)).toMatchObject({ set: { stale: true } });
    await world.store.sweep(Date.now() + 31_000, 10);
    expect(await world.store.read(job.id)).toMatchObject({ set: { status: "lost" } });
  });

  test("given close(), is given up, and the job can be taken by another", async () => {
    const world = makeWorld();
    const job = await plain(world);
    job.log("so far");
    await job.close();
    await job.close();
    await world.store.sweep(Date.now() + 600_000, 10);
    expect(await stateOf(world, job)).toMatchObject({ status: "running", stale: false });
    expect(await logOf(world, job)).toEqual(["so far"]);
    expect(job.signal.reason).toMatchObject({ code: "closed" });
    await expect(job.complete(1)).rejects.toMatchObject({ code: "closed" });
    await (await world.progress.open(job.id)).complete(1);
  });

  test("given a store that fails, close() tries once and comes to an end", async () => {
    const world = makeWorld();
    const job = await plain(world);
    await pass(200);
    world.store.fail("write");
    job.log("last words");
    let closed = false;
    const closing = job.close().then(() => {
      closed = true;
    });
    await pass(100);
    expect(closed).toBe(true);
    await closing;
    const { write } = world.store.calls;
    await pass(60_000);
    expect(world.store.calls.write).toBe(write);
  });

  test("given await using, is given up at the end of the block", async () => {
    const world = makeWorld();
    const { id } = await world.progress.create({ kind: "k" });
    {
      await using job = await world.progress.open(id);
      job.log("inside");
    }
    expect(world.progress.stats().reporters).toBe(0);
    expect((await stateOf(world, { id })).status).toBe("running");
  });
});

describe("a store that is away", () => {
  test("given an outage, keeps the work going, and then tells all of it in order, each line once", async () => {
    const world = makeWorld();
    const job = await planned(world);
    world.store.fail("write");
    job.log("one");
    const step = job.beginStep("speech");
    for (let done = 1; done <= 10; done += 1) {
      step.update({ done, total: 10 });
      job.log(`line ${done}`);
      await pass(500);
    }
    step.complete();
    world.store.heal();
    await flushed(job);
    expect(await logOf(world, job)).toEqual([
      "one",
      ...Array.from({ length: 10 }, (_, i) => `line ${i + 1}`),
    ]);
    expect((await stateOf(world, job)).steps.speech).toMatchObject({
      status: "completed",
      done: 10,
    });
    expect(world.errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given writes whose answers are lost, writes each line once", async () => {
    const world = makeWorld();
    const job = await plain(world);
    world.store.loseAnswersOf("write");
    job.log("same");
    job.log("same");
    await pass(50);
    world.store.heal();
    job.log("other");
    await flushed(job);
    expect(await logOf(world, job)).toEqual(["same", "same", "other"]);
  });

  test("given an end whose answer is lost, knows that it was taken", async () => {
    const world = makeWorld();
    const job = await plain(world);
    await pass(200);
    world.store.loseAnswersOf("write");
    const ending = job.complete(5);
    await pass(50);
    world.store.heal();
    await pass(5_000);
    expect(await ending).toMatchObject({ status: "completed", result: 5 });
  });

  test("given an end in an outage, delivers it afterwards", async () => {
    const world = makeWorld();
    const job = await plain(world);
    world.store.fail("write");
    const ending = job.complete(5);
    await pass(30_000);
    world.store.heal();
    await pass(6_000);
    expect(await ending).toMatchObject({ status: "completed" });
    expect((await stateOf(world, job)).status).toBe("completed");
  });

  test("given an outage longer than maxDeliveryMs, rejects the end and says why", async () => {
    const world = makeWorld({ maxDeliveryMs: 20_000 });
    const job = await plain(world);
    world.store.fail("write");
    const ending = expect(job.complete(5)).rejects.toMatchObject({
      code: "store-unavailable",
      cause: { code: "store-unavailable" },
    });
    await pass(21_000);
    await ending;
    expect(world.progress.stats().reporters).toBe(0);
    const { write } = world.store.calls;
    await pass(60_000);
    expect(world.store.calls.write).toBe(write);
  });

  test("given writes that never answer, gives each up and tries again", async () => {
    const world = makeWorld();
    const job = await plain(world);
    const release = world.store.hold("write");
    job.log("held");
    await pass(11_000);
    release();
    await pass(6_000);
    // The first call went on when it was let go: it was late, not lost, and its line is there once or twice, never not.
    expect(await logOf(world, job)).toContain("held");
  });

  test("given more lines than are kept, keeps the newest, and says how many it dropped", async () => {
    const store = faultyStore(memoryStore({ maxLogLines: 10 }));
    const world = makeWorld({}, store);
    const job = await plain(world);
    store.fail("write");
    for (let line = 1; line <= 30; line += 1) {
      job.log(`line ${line}`);
      await pass(100);
    }
    store.heal();
    await flushed(job);
    const log = await logOf(world, job);
    expect(log).toHaveLength(10);
    expect(log?.slice(1)).toEqual(Array.from({ length: 9 }, (_, i) => `line ${i + 22}`));
    expect((await store.read(job.id))?.log.at(-1)?.n).toBeGreaterThan(10);
  });

  test("given large values for long, keeps no more than the newest of each field", async () => {
    const world = makeWorld();
    const job = await plain(world);
    world.store.fail("write");
    const big = (n: number) => `${n}${"x".repeat(100_000)}`;
    for (let n = 0; n < 50; n += 1) {
      job.update({ metadata: { big: big(n), [`other${n % 2}`]: big(n) } });
      await pass(200);
    }
    const before = world.store.calls.write;
    world.store.heal();
    await flushed(job);
    expect(world.store.calls.write - before).toBeLessThanOrEqual(4);
    expect((await stateOf(world, job)).metadata.big).toBe(big(49));
  });
});

describe("definitions", () => {
  test("given a validator, checks metadata and result", async () => {
    const refuse = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: () => ({ issues: [{ message: "too short" }] }),
      },
    };
    const { progress } = makeWorld();
    const strict = defineJob({ kind: "k", metadata: refuse });
    await expect(progress.create({ definition: strict, metadata: {} })).rejects.toMatchObject({
      code: "invalid-change",
      message: expect.stringContaining("too short"),
    });
    const definition = defineJob({ kind: "k", result: refuse });
    const job = await progress.open(await progress.create({ definition }));
    await expect(job.complete(undefined as never)).rejects.toMatchObject({
      code: "invalid-change",
    });
  });
});
