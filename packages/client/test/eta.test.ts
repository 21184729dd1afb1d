import { type JobWatch, watchJob } from "@emlinh/progress-client";
import { stateOf } from "@emlinh/progress-protocol";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connectionFixture, percentIs } from "./support/connection-fixture.js";
import { fakeTime } from "./support/fake-time.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();
/** The server's clock is the real one of this process, stopped. */
const SERVER_NOW = 1_800_000_000_000;

afterEach(() => vi.restoreAllMocks());

/** The ETA that a page that joins at a time of the server is told. */
function joined(now: number): number | null {
  const { set } = fixture.server.read("a");
  return stateOf("a", set, now).etaMs;
}

const etaOf = (watch: JobWatch): number | null => watch.getSnapshot().job?.etaMs ?? null;

/** Opens a watch of a job that needs 10 s more. The device's clock is ahead of the server's by `skewMs`. */
async function openRunning(skewMs = 0, options = {}): Promise<JobWatch> {
  vi.spyOn(Date, "now").mockReturnValue(SERVER_NOW);
  fixture.time = fakeTime(SERVER_NOW + skewMs);
  fixture.server.create("a", {
    percent: 50,
    startedAt: SERVER_NOW - 10_000,
    updatedAt: SERVER_NOW,
  });
  const watch = fixture.open(options);
  await until(watch, percentIs(50));
  return watch;
}

/** Moves both clocks. */
function advance(ms: number): void {
  vi.mocked(Date.now).mockReturnValue(Date.now() + ms);
  fixture.time.advance(ms);
}

/** Sends a heartbeat, and waits until the watch has the server's time. */
async function heartbeat(watch: JobWatch): Promise<void> {
  fixture.server.streams.heartbeat();
  await expect.poll(() => watch.now()).toBe(Date.now());
}

test("given no news, the ETA counts down as a page that joins is told, and is hidden once it has passed", async () => {
  const watch = await openRunning();
  const told: (number | null)[] = [];
  watch.on("progress", ({ etaMs }) => told.push(etaMs));
  await Promise.resolve();
  expect(etaOf(watch)).toBe(10_000);
  for (let second = 1; second <= 12; second += 1) {
    advance(1000);
    expect(etaOf(watch)).toBe(joined(SERVER_NOW + second * 1000));
  }
  expect(told).toEqual([10_000, 9000, 8000, 7000, 6000, 5000, 4000, 3000, 2000, 1000, null]);
  expect(watch.getSnapshot().job).toMatchObject({ status: "running", percent: 50 });
});

test("given an estimate that jumped and no news after it, comes to what a page that joins is told", async () => {
  const watch = await openRunning();
  advance(5000);
  fixture.server.write("a", { percent: 51, updatedAt: Date.now() });
  await until(watch, percentIs(51));
  const difference = () => Math.abs((etaOf(watch) ?? 0) - (joined(Date.now()) ?? 0));
  expect(difference()).toBeGreaterThan(2000);
  for (let second = 0; second < 12; second += 1) advance(1000);
  expect(difference()).toBeLessThan(1000);
});

test("given no listener, no ETA, or the end, has no timer for it", async () => {
  const watch = await openRunning();
  expect(fixture.time.pending()).toContain(1000);
  fixture.server.write("a", { stale: true });
  await until(watch, ({ job }) => job?.stale === true);
  expect(etaOf(watch)).toBeNull();
  expect(fixture.time.pending()).not.toContain(1000);
  fixture.server.write("a", { stale: false });
  await until(watch, ({ job }) => job?.stale === false);
  expect(fixture.time.pending()).toContain(1000);
  fixture.server.write("a", { status: "completed" });
  await untilStatus(watch, "closed");
  expect(fixture.time.pending()).toEqual([]);
});

test("given no listener any more, has no timer; given one again, shows the ETA of that moment", async () => {
  await openRunning();
  const { server, time } = fixture;
  const lazy = watchJob("a", { baseUrl: server.baseUrl, ...time, random: () => 0 });
  fixture.stopLater(lazy);
  const timers = time.pending().length;
  await until(lazy, percentIs(50));
  await Promise.resolve();
  expect(time.pending()).toHaveLength(timers);
  advance(4000);
  const told: (number | null | undefined)[] = [];
  lazy.on("progress", ({ etaMs }) => told.push(etaMs));
  await Promise.resolve();
  expect(told).toEqual([6000]);
});

test.each([3_600_000, -3_600_000])(
  "given a device whose clock is ahead by %i ms, shows the same ETA",
  async (skewMs) => {
    const watch = await openRunning(skewMs);
    expect(etaOf(watch)).toBe(10_000);
    advance(3000);
    expect(etaOf(watch)).toBe(7000);
  },
);

test("given a clock of the device that is set back, the ETA still counts down", async () => {
  const watch = await openRunning();
  advance(1000);
  fixture.time.sleep(-3_600_000);
  advance(1000);
  expect(etaOf(watch)).toBeLessThanOrEqual(9000);
  expect(etaOf(watch)).toBeGreaterThanOrEqual(8000);
  await heartbeat(watch);
  expect(etaOf(watch)).toBe(8000);
});

test("given a clock of the device that is set forward, the next heartbeat shows the ETA again", async () => {
  const watch = await openRunning();
  fixture.time.sleep(15_000);
  fixture.time.advance(1000);
  expect(etaOf(watch)).toBeNull();
  vi.mocked(Date.now).mockReturnValue(SERVER_NOW + 1000);
  await heartbeat(watch);
  expect(etaOf(watch)).toBe(9000);
});

test("given polls without news, each one corrects the ETA", async () => {
  const watch = await openRunning(0, { transport: "poll", pollWaitMs: 1 });
  await fixture.server.request(1);
  vi.mocked(Date.now).mockReturnValue(SERVER_NOW + 4000);
  fixture.server.intercept = ({ response }) => {
    const { cursor } = fixture.server.read("a");
    const reply = { cursor, set: {}, log: [], now: SERVER_NOW + 4000 };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
    return true;
  };
  fixture.time.advance(500);
  await until(watch, ({ job }) => job?.etaMs === 6000);
});

describe("a plan with expected times", () => {
  const PLAN = [
    { id: "speech", title: "Speech", weight: 1, expectedMs: 4000, spread: 1.3 },
    { id: "render", title: "Render", weight: 1, expectedMs: 6000, spread: 1.3 },
  ];

  async function openPlanned(): Promise<JobWatch> {
    vi.spyOn(Date, "now").mockReturnValue(SERVER_NOW);
    fixture.time = fakeTime(SERVER_NOW);
    const times = { startedAt: SERVER_NOW, updatedAt: SERVER_NOW };
    const speech = { status: "running", percent: null, startedAt: SERVER_NOW };
    fixture.server.create("a", { plan: PLAN, ...times, "steps.speech": speech });
    const watch = fixture.open();
    await until(watch, ({ job }) => job !== undefined);
    return watch;
  }

  test("given no news, shows an ETA at once, and each second the one that a page that joins is told", async () => {
    const watch = await openPlanned();
    expect(etaOf(watch)).toBe(10_000);
    let isHidden = false;
    for (let second = 1; second <= 12; second += 1) {
      advance(1000);
      expect(etaOf(watch)).toBe(joined(SERVER_NOW + second * 1000));
      isHidden ||= etaOf(watch) === null;
    }
    expect(isHidden).toBe(true);
  });

  test("given a run that left the usual spread, the next step shows an ETA again", async () => {
    const watch = await openPlanned();
    for (let second = 0; second < 12; second += 1) advance(1000);
    expect(etaOf(watch)).toBeNull();
    const now = Date.now();
    const speech = { status: "completed", percent: 100, startedAt: SERVER_NOW, finishedAt: now };
    const render = { status: "running", percent: null, startedAt: now };
    fixture.server.write("a", { "steps.speech": speech, "steps.render": render, updatedAt: now });
    await until(watch, ({ job }) => job?.steps.render !== undefined);
    expect(etaOf(watch)).toBe(joined(now));
    expect(etaOf(watch)).toBeGreaterThan(6000);
  });
});
