import { JobManager, VideoManager } from "@emlinh/progress-client";
import { afterEach, describe, expect, test, vi } from "vitest";
import { managerFixture } from "./support/manager-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = managerFixture();
const { make, serveCreate } = fixture;

afterEach(() => void vi.unstubAllGlobals());

describe("the list", () => {
  test("given the same id twice, returns the same watch; the list changes only when a job is added or removed", () => {
    const videos = make();
    const listener = vi.fn();
    const off = videos.subscribe(listener);
    const before = videos.getSnapshot();
    const a = videos.watch("a");
    expect(videos.watch("a")).toBe(a);
    expect(listener.mock.calls).toEqual([[[]], [[a]]]);
    expect(before).toEqual([]);
    expect(videos.jobs()).toEqual([a]);
    expect(videos.getSnapshot()).toBe(videos.jobs());
    videos.forget("a");
    videos.forget("a");
    expect(listener).toHaveBeenCalledTimes(3);
    expect(videos.jobs()).toEqual([]);
    off();
    videos.watch("b");
    expect(listener).toHaveBeenCalledTimes(3);
  });

  test("given forget, stops the watch; the next watch of that job is a new one", () => {
    const videos = make();
    const a = videos.watch("a");
    videos.forget("a");
    expect(a.getSnapshot().connection).toMatchObject({
      status: "closed",
      error: { code: "stopped" },
    });
    expect(videos.watch("a")).not.toBe(a);
  });

  test("given cancel, asks the server to cancel that job", async () => {
    fixture.server.create("a");
    expect(await make().cancel("a")).toMatchObject({ jobId: "a", cancelRequested: true });
  });

  test("given close, stops all watches, keeps the storage, and throws later; twice is the same as once", async () => {
    serveCreate();
    const videos = make();
    const a = videos.watch("a");
    videos.close();
    videos.close();
    expect(a.getSnapshot().connection.status).toBe("closed");
    expect(() => videos.watch("b")).toThrow(expect.objectContaining({ code: "closed" }));
    await expect(videos.create({})).rejects.toMatchObject({ code: "closed" });
    await expect(videos.cancel("a")).rejects.toMatchObject({ code: "closed" });
    expect(make().resume()).toHaveLength(1);
  });

  test("given close during a create, the create rejects", async () => {
    serveCreate(() => true);
    const videos = make();
    const creating = videos.create({});
    await fixture.server.request(1);
    videos.close();
    await expect(creating).rejects.toMatchObject({ code: "closed" });
  });
});

describe("the class", () => {
  test("VideoManager is JobManager under another name", () => {
    expect(VideoManager).toBe(JobManager);
  });

  test("given a closed manager, says so and what to do", () => {
    const videos = make();
    videos.close();
    expect(() => videos.watch("a")).toThrow("This JobManager is closed. Create a new one.");
  });
});

describe("many jobs at once", () => {
  test("given two slots, two jobs stream and the third polls until a slot is free", async () => {
    for (const jobId of ["a", "b", "c"]) fixture.server.create(jobId, { percent: 1 });
    const videos = make({ maxStreams: 2 });
    const watches = ["a", "b", "c"].map((jobId) => videos.watch(jobId));
    for (const watch of watches) watch.subscribe(() => {});
    const [a, , c] = watches;
    if (!a || !c) throw new Error("unreachable");
    for (const watch of watches) await until(watch, ({ job }) => job?.percent === 1);
    expect(watches.map((watch) => watch.getSnapshot().connection.status)).toEqual([
      "live",
      "live",
      "polling",
    ]);
    const polls = fixture.server.requests.filter(({ accept }) => accept === "json");
    expect(polls.map(({ url }) => [url.pathname, url.searchParams.has("wait")])).toEqual([
      ["/api/c", false],
    ]);
    fixture.server.write("c", { percent: 2 });
    await fixture.time.untilPending(2000);
    fixture.time.advance(2000);
    await until(c, ({ job }) => job?.percent === 2);
    fixture.server.write("a", { status: "completed" });
    await untilStatus(a, "closed");
    await fixture.server.request(5);
    await new Promise((resolve) => setImmediate(resolve));
    fixture.server.write("c", { percent: 3 });
    await until(c, ({ job }) => job?.percent === 3);
    await untilStatus(c, "live");
  });

  test("given a watch that leaves the queue, or is stopped twice, no slot is lost or gained", async () => {
    for (const jobId of ["a", "b", "c"]) fixture.server.create(jobId, { percent: 1 });
    const videos = make({ maxStreams: 1 });
    const [a, b, c] = ["a", "b", "c"].map((jobId) => videos.watch(jobId));
    if (!a || !b || !c) throw new Error("unreachable");
    for (const watch of [a, b, c]) watch.subscribe(() => {});
    await untilStatus(a, "live");
    b.stop();
    a.stop();
    a.stop();
    await until(c, ({ job }) => job !== undefined);
    await new Promise((resolve) => setImmediate(resolve));
    fixture.server.streams.heartbeat();
    await untilStatus(c, "live");
    const d = videos.watch("d");
    d.subscribe(() => {});
    expect(d.getSnapshot().connection.transport).toBe("poll");
  });

  test.each([0, -1, Number.NaN])("given maxStreams of %d, throws", (maxStreams) => {
    expect(() => make({ maxStreams })).toThrow(/maxStreams/);
  });

  test.each(["document", "WorkerGlobalScope"])(
    "given a browser, known by its %s, two jobs stream by default; elsewhere all do",
    (name) => {
      const transports = () => {
        const videos = make({ page: false });
        return ["a", "b", "c"].map((jobId) => {
          const watch = videos.watch(jobId);
          watch.subscribe(() => {});
          return watch.getSnapshot().connection.transport;
        });
      };
      expect(transports()).toEqual(["stream", "stream", "stream"]);
      vi.stubGlobal(name, {});
      expect(transports()).toEqual(["stream", "stream", "poll"]);
    },
  );
});
