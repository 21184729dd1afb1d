import { type PageEvent, watchJob } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { connectionFixture, cursorOf, percentIs } from "./support/connection-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();
const { open, answerStreams } = fixture;

describe("page events", () => {
  let emit: (event: PageEvent) => void;
  const page = (listener: (event: PageEvent) => void): (() => void) => {
    emit = listener;
    return () => {
      emit = () => {};
    };
  };

  test("given a network that goes and comes back, counts no attempt and reconnects at once", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open({ page });
    await until(watch, percentIs(1));
    emit("offline");
    fixture.server.streams.cut();
    await until(watch, ({ connection }) => connection.error !== undefined);
    expect(watch.getSnapshot().connection).toMatchObject({ status: "offline", attempt: 0 });
    fixture.time.advance(29_999);
    expect(fixture.server.requests).toHaveLength(1);
    fixture.server.write("a", { percent: 2 });
    emit("check");
    await until(watch, percentIs(2));
  });

  test("given no network from the beginning, is offline, and still connects", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open({
      page: (listener) => {
        listener("offline");
        return () => {};
      },
    });
    expect(watch.getSnapshot().connection.status).toBe("offline");
    await until(watch, percentIs(1));
    expect(watch.getSnapshot().connection.status).toBe("live");
  });

  test("given offline and a stream that still delivers, is live", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open({ page });
    await until(watch, percentIs(1));
    emit("offline");
    expect(watch.getSnapshot().connection.status).toBe("offline");
    fixture.server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
    expect(watch.getSnapshot().connection.status).toBe("live");
    expect(fixture.server.requests).toHaveLength(1);
  });

  test("given a pause, disconnects; when the page is back, continues from its cursor", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open({ page });
    await until(watch, percentIs(1));
    const { gone } = await fixture.server.request(1);
    emit("pause");
    expect(watch.getSnapshot().connection.status).toBe("paused");
    await gone;
    fixture.server.write("a", { percent: 2 });
    emit("check");
    await until(watch, percentIs(2));
    expect(cursorOf(await fixture.server.request(2))).toBe("epoch1.1");
  });

  test("given a wait, a page that is back reconnects at once", async () => {
    fixture.server.create("a", { percent: 1 });
    fixture.server.streams.retryMs = 1;
    const watch = open({ page });
    await until(watch, percentIs(1));
    fixture.server.streams.cut();
    await untilStatus(watch, "waiting");
    fixture.time.advance(10);
    emit("check");
    await untilStatus(watch, "live");
  });

  test("given a sleep, notices the jump of the clock and replaces the stream", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    const { gone } = await fixture.server.request(1);
    fixture.time.sleep(3_600_000);
    fixture.time.advance(5000);
    await gone;
    await fixture.server.request(2);
    fixture.server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
  });

  test("given a sleep while connecting, connects again, and counts no attempt", async () => {
    fixture.server.create("a", { percent: 1 });
    answerStreams(() => {});
    const watch = open();
    const { gone } = await fixture.server.request(1);
    fixture.server.intercept = undefined;
    fixture.time.sleep(3_600_000);
    fixture.time.advance(5000);
    await gone;
    const { connection } = await until(watch, percentIs(1));
    expect(connection).toEqual({ status: "live", attempt: 0, transport: "stream" });
  });

  test("given a page that becomes visible during a slow request, does not restart the request", async () => {
    fixture.server.create("a", { percent: 1 });
    answerStreams(() => {});
    open({ page });
    await fixture.server.request(1);
    for (const at of [4000, 8000, 9999]) {
      fixture.time.advance(at - (fixture.time.clock() - 1_700_000_000_000));
      emit("check");
    }
    expect(fixture.server.requests).toHaveLength(1);
  });

  test("given a listener that is removed and added again at once, keeps the connection", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = watchJob("a", { baseUrl: fixture.server.baseUrl, ...fixture.time });
    fixture.stopLater(watch);
    const leave = watch.subscribe(() => {});
    await until(watch, percentIs(1));
    leave();
    leave();
    const stay = watch.subscribe(() => {});
    await Promise.resolve();
    await Promise.resolve();
    expect(watch.getSnapshot().connection.status).toBe("live");
    stay();
    await Promise.resolve();
    expect(watch.getSnapshot().connection.status).toBe("idle");
    const { gone } = await fixture.server.request(1);
    await gone;
    expect(fixture.server.requests).toHaveLength(1);
    expect(fixture.time.pending()).toEqual([]);
  });
});
