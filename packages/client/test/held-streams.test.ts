import { type JobWatch, watchJob } from "@emlinh/progress-client";
import { afterEach, describe, expect, test } from "vitest";
import { connectionFixture, cursorOf, percentIs } from "./support/connection-fixture.js";
import { type FakeTime, fakeTime } from "./support/fake-time.js";
import { type SimulatedServer, simulatedServer } from "./support/simulated-server.js";
import { until } from "./support/until.js";

/** 2.5 heartbeats of 15 s. */
const SILENCE_LIMIT_MS = 37_500;

let watch: JobWatch;
afterEach(() => watch.stop());

interface Simulation {
  readonly time: FakeTime;
  readonly server: SimulatedServer;
  /** The age of the shown state. */
  ageMs(): number;
}

function simulate(changeEveryMs: number, passedBytes: () => number): Simulation {
  const time = fakeTime();
  const server = simulatedServer(time, { changeEveryMs, passedBytes });
  const options = { fetch: server.fetch, page: false, random: () => 0, ...time } as const;
  watch = watchJob("a", { baseUrl: "http://server.test/api", ...options });
  watch.subscribe(() => {});
  return {
    time,
    server,
    ageMs: () => time.clock() - Number(watch.getSnapshot().job?.message ?? time.clock()),
  };
}

/** The seconds at which streams were requested. */
const streamedAt = ({ server }: Simulation): number[] =>
  server.requests
    .filter(({ accept }) => accept === "stream")
    .map(({ at }) => Math.round((at - 1_700_000_000_000) / 1000));

describe("a proxy that passes the beginning of each stream and holds the rest", () => {
  test.each([
    ["hello", "a job with few changes", 150, 20_000],
    ["the first frames", "a job with few changes", 600, 20_000],
    ["the first frames", "a job that changes every second", 600, 1000],
    ["the first 4 KB", "a job that changes every second", 4096, 1000],
    ["the first 4 KB", "a job that changes every five seconds", 4096, 5000],
  ])(
    "given %s and %s, polls, stays with it, and tries the stream ever more rarely",
    async (_part, _job, bytes, changeEveryMs) => {
      const simulation = simulate(changeEveryMs, () => bytes);
      const { server, ageMs } = simulation;
      const ages: number[] = [];
      await server.pass(1_800_000, () => ages.push(ageMs()));
      expect(Math.max(...ages)).toBeLessThanOrEqual(SILENCE_LIMIT_MS + changeEveryMs + 2000);
      // In the first minutes one probe may take over.
      expect(Math.max(...ages.slice(900))).toBeLessThanOrEqual(changeEveryMs + 2000);
      expect(watch.getSnapshot().connection).toMatchObject({
        status: "polling",
        transport: "poll",
      });
      const streams = streamedAt(simulation);
      const gaps = streams.slice(2).map((at, index) => at - (streams[index + 1] ?? 0));
      expect(streams.length).toBeLessThanOrEqual(9);
      for (const gap of gaps.slice(-2)) expect(gap).toBeGreaterThan(300);
    },
  );

  test("given a proxy that holds no more, changes over to the stream after some minutes", async () => {
    let bytes = 600;
    const { server, ageMs } = simulate(1000, () => bytes);
    await server.pass(900_000);
    bytes = Infinity;
    await server.pass(700_000);
    expect(watch.getSnapshot().connection).toMatchObject({ status: "live", attempt: 0 });
    expect(ageMs()).toBeLessThanOrEqual(1000);
  });

  test("given a healthy stream that is cut once an hour, streams again after a second each time", async () => {
    const { server } = simulate(20_000, () => Infinity);
    for (let hour = 1; hour <= 3; hour += 1) {
      await server.pass(3_600_000 / 10);
      server.cut();
      await server.pass(2000);
      expect(watch.getSnapshot().connection).toMatchObject({ status: "live", transport: "stream" });
    }
    expect(server.requests.map(({ accept }) => accept)).toEqual(Array(4).fill("stream"));
  });
});

describe("a real server behind such a proxy", () => {
  const fixture = connectionFixture();

  /** Holds all frames after the first two: `hello` and the answer to the request. */
  function holdFrames(): void {
    fixture.answerStreams((request) => {
      const { response } = request;
      const write = response.write.bind(response);
      let frames = 0;
      response.write = ((chunk: string) => {
        frames += 1;
        return frames <= 2 ? write(chunk) : true;
      }) as typeof response.write;
      fixture.server.streams.open("a", cursorOf(request) ?? undefined, response);
    });
  }

  test("given two silent streams, polls, and a probe that shows only the first frames ends nothing", async () => {
    fixture.server.create("a", { percent: 1 });
    holdFrames();
    watch = fixture.open();
    for (const percent of [1, 2]) {
      await until(watch, percentIs(percent));
      fixture.server.write("a", { percent: percent + 1 });
      fixture.time.advance(SILENCE_LIMIT_MS);
      await fixture.retryNow(watch);
    }
    await until(watch, percentIs(3));
    expect(watch.getSnapshot().connection).toMatchObject({ status: "polling", attempt: 0 });
    fixture.time.advance(500);
    await fixture.server.request(4);
    fixture.time.advance(29_000);
    const probe = await fixture.server.request(5);
    const requests = fixture.server.requests.map(({ accept }) => accept);
    expect(requests).toEqual(["stream", "stream", "json", "json", "stream"]);
    fixture.server.write("a", { percent: 4 });
    await until(watch, percentIs(4));
    expect(watch.getSnapshot().connection.status).toBe("polling");
    fixture.time.advance(SILENCE_LIMIT_MS);
    await probe.gone;
    expect(watch.getSnapshot().connection.transport).toBe("poll");
  });
});
