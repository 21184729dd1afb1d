import { type JobWatch, type Page, type PageEvent, watchJob } from "@emlinh/progress-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeTime, fakeTime } from "./support/fake-time.js";
import { type SimulatedServer, simulatedServer } from "./support/simulated-server.js";

let time: FakeTime;
let server: SimulatedServer;
let passedBytes: number;
let watch: JobWatch;
let emit: (event: PageEvent) => void;

beforeEach(() => {
  time = fakeTime();
  passedBytes = Infinity;
  server = simulatedServer(time, { changeEveryMs: 20_000, passedBytes: () => passedBytes });
});
afterEach(() => watch.stop());

/** A page that reports nothing at first, and then only what a test emits. */
const silentPage: Page = (listener) => {
  emit = listener;
  return () => {};
};

function open(page: Page = silentPage): void {
  const { fetch } = server;
  watch = watchJob("a", { baseUrl: "http://server.test/api", fetch, page, ...time });
  watch.subscribe(() => {});
}

/** The age of the shown state; `Infinity` without one. */
function ageMs(): number {
  const { job } = watch.getSnapshot();
  return job ? time.clock() - Number(job.message) : Infinity;
}

/** Lets ten minutes pass in which the page reports nothing. */
async function tenMinutes(): Promise<void> {
  const before = server.requests.length;
  await server.pass(600_000);
  expect(ageMs()).toBeLessThanOrEqual(20_000);
  expect(server.requests.length).toBeLessThan(before + 60);
}

describe("a server that can be reached, and a page that never reports it", () => {
  test("given no network from the beginning, connects", async () => {
    open((listener) => {
      listener("offline");
      return () => {};
    });
    await tenMinutes();
    expect(watch.getSnapshot().connection).toMatchObject({ status: "live" });
  });

  test("given no network while live, and a stream that drops, connects again within a minute", async () => {
    open();
    await server.pass(1000);
    emit("offline");
    server.cut();
    await server.pass(1000);
    expect(watch.getSnapshot().connection).toMatchObject({ status: "offline", attempt: 0 });
    await server.pass(60_000);
    expect(watch.getSnapshot().connection.status).toBe("live");
    await tenMinutes();
  });

  test("given no network while a wait goes on, connects when it is over", async () => {
    open();
    await server.pass(1000);
    server.cut();
    await server.pass(0);
    emit("offline");
    await tenMinutes();
    expect(watch.getSnapshot().connection.status).toBe("live");
  });

  test("given no network that is reported again and again, connects", async () => {
    open();
    await server.pass(1000);
    server.cut();
    await server.pass(600_000, () => emit("offline"));
    expect(ageMs()).toBeLessThanOrEqual(20_000);
  });

  test("given no network while polling, goes on polling", async () => {
    passedBytes = 0;
    open();
    await server.pass(25_000);
    expect(watch.getSnapshot().connection.transport).toBe("poll");
    emit("offline");
    await tenMinutes();
    expect(watch.getSnapshot().connection.status).toBe("polling");
  });

  test("given no network and streams that are held, polls", async () => {
    passedBytes = 0;
    open((listener) => {
      listener("offline");
      return () => {};
    });
    await tenMinutes();
    expect(watch.getSnapshot().connection.status).toBe("polling");
  });

  test("given a freeze without a resume, connects within a minute", async () => {
    open();
    await server.pass(1000);
    emit("pause");
    await server.pass(1000);
    expect(watch.getSnapshot().connection.status).toBe("paused");
    await server.pass(60_000);
    expect(watch.getSnapshot().connection.status).toBe("live");
    await tenMinutes();
  });

  test("given a page that is back without a network, connects at once", async () => {
    open();
    await server.pass(1000);
    emit("pause");
    emit("offline");
    await server.pass(1000);
    expect(watch.getSnapshot().connection.status).toBe("live");
  });

  test("given a page that is still hidden when it is asked, stays paused and sends no request", async () => {
    const states = new Set<string>();
    open((listener) => {
      listener("pause");
      return () => {};
    });
    await server.pass(1000);
    watch.on("connection", ({ status }) => states.add(status));
    const before = server.requests.length;
    await server.pass(600_000);
    expect(server.requests).toHaveLength(before);
    expect([...states]).toEqual(["paused"]);
    expect(watch.getSnapshot().connection.status).toBe("paused");
  });
});
