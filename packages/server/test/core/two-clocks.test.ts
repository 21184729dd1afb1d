import { describe, expect, test } from "vitest";
import { createStoreClock } from "../../src/core/store-clock.js";
import { memoryStore } from "../../src/index.js";
import { advance, makeContext, useFakeTime } from "./context.js";
import { faultyStore } from "./faulty-store.js";
import { PLAN } from "./reporter/jobs.js";

useFakeTime();

const HOUR_MS = 3_600_000;

describe("clocks that differ by an hour", () => {
  test.each([
    ["the worker's is ahead", HOUR_MS, 0],
    ["the worker's is behind", -HOUR_MS, 0],
    ["the server's is ahead", 0, HOUR_MS],
    ["the server's is behind", 0, -HOUR_MS],
    ["both differ", HOUR_MS, -HOUR_MS],
  ])(
    "given that %s, every time of a job is the store's and in order",
    async (_how, workerMs, serverMs) => {
      const store = faultyStore(memoryStore({ clock: () => Date.now() }));
      const worker = makeContext({ clock: () => Date.now() + workerMs }, store);
      const server = makeContext({ clock: () => Date.now() + serverMs }, store);
      const { id } = await server.progress.create({ kind: "video", plan: PLAN });
      const createdAt = Date.now();
      await advance(1_000);
      const reporter = await worker.progress.open(id);
      const startedAt = Date.now();
      const etas: unknown[] = [];
      await server.progress.watch(id, (state) => {
        etas.push(state?.etaMs);
      });
      await advance(2_000);
      reporter.log("a line");
      const step = reporter.beginStep("render");
      const stepStartedAt = Date.now();
      await advance(8_000);
      step.update({ percent: 40 });
      await advance(200);
      // 30 % after 10 s: 70 % take 23 s.
      for (const state of [
        reporter.state,
        await server.progress.status(id),
        await worker.progress.status(id),
      ]) {
        expect(state).toMatchObject({ createdAt, startedAt, percent: 30 });
        expect(state?.etaMs).toBeGreaterThan(22_000);
        expect(state?.etaMs).toBeLessThan(24_500);
      }
      expect(Number(etas.at(-1))).toBeGreaterThan(22_000);
      expect(Number(etas.at(-1))).toBeLessThan(24_500);
      step.complete();
      const stepFinishedAt = Date.now();
      await advance(1_000);
      const ended = await reporter.complete(null);
      const stored = await server.progress.status(id);
      for (const state of [ended, stored])
        expect(state).toMatchObject({
          createdAt,
          startedAt,
          steps: { render: { startedAt: stepStartedAt, finishedAt: stepFinishedAt } },
          finishedAt: Date.now(),
          updatedAt: Date.now(),
        });
      expect((await store.read(id))?.log).toMatchObject([{ at: stepStartedAt }]);
    },
  );

  test("given a worker's clock that is set an hour ahead, goes on with the store's time", async () => {
    const store = faultyStore(memoryStore({ clock: () => Date.now() }));
    let workerMs = 0;
    const { progress, createJob } = makeContext({ clock: () => Date.now() + workerMs }, store);
    const reporter = await progress.open(await createJob());
    workerMs = HOUR_MS;
    reporter.log("a line");
    reporter.update({ percent: 20 });
    const step = reporter.beginStep("render");
    expect(reporter.state).toMatchObject({ updatedAt: Date.now() });
    await advance(1_000);
    step.complete();
    const state = await reporter.complete(null);
    const now = Date.now();
    expect((await store.read(reporter.id))?.log.at(-1)?.at).toBe(now - 1_000);
    expect(state).toMatchObject({
      finishedAt: now,
      steps: { render: { startedAt: now - 1_000, finishedAt: now } },
    });
  });
});

describe("the estimate of the store's clock", () => {
  test("given replies of any delay, is never ahead of the store and never before its last reply", () => {
    for (const skewMs of [-HOUR_MS, -40, -0.6, 0, 0.6, 40, HOUR_MS]) {
      let local = 1_000_000.3;
      const clock = createStoreClock(
        () => 5,
        () => local,
      );
      expect(clock.now()).toBe(5);
      const storeTime = () => Math.floor(local + skewMs);
      for (const [sendMs, replyMs] of [
        [80.7, 10.1],
        [0.2, 90.4],
        [5.5, 5.9],
        [200.6, 0.1],
        [0.1, 0.1],
      ] as const) {
        const sentAt = local;
        local += sendMs;
        const storeNow = storeTime();
        local += replyMs;
        clock.observe(storeNow, sentAt);
        for (let ms = 0; ms < 20; ms += 1) {
          expect(clock.now()).toBeLessThanOrEqual(storeTime());
          expect(clock.now()).toBeGreaterThanOrEqual(storeNow);
          local += 0.7;
        }
      }
      expect(storeTime() - clock.now()).toBeLessThanOrEqual(1);
    }
  });

  test("given a store whose clock is corrected, follows it at the next reply", () => {
    const clock = createStoreClock(
      () => 0,
      () => 100,
    );
    for (const storeNow of [5_000, HOUR_MS, 5_000]) {
      clock.observe(storeNow, 100);
      expect(clock.now()).toBe(storeNow);
    }
  });

  test("given a store without a time in its replies, keeps the local time", () => {
    const clock = createStoreClock(() => 5);
    clock.observe(undefined as unknown as number, 0);
    expect(clock.now()).toBe(5);
  });
});
