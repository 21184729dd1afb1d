import { JobManager, VideoManager } from "@emlinh/progress-client";
import { describe, expect, test, vi } from "vitest";
import { managerFixture } from "./support/manager-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = managerFixture();
const { make, serveCreate } = fixture;

describe("the list", () => {
  test("given the same id twice, returns the same watch; the list changes only when a job is added or removed", () => {
    const videos = make();
    const listener = vi.fn();
    const off = videos.subscribe(listener);
    const before = videos.getSnapshot();
    const a = videos.watch("a");
    expect(videos.watch("a")).toBe(a);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(before).toEqual([]);
    expect(videos.jobs()).toEqual([a]);
    expect(videos.getSnapshot()).toBe(videos.jobs());
    videos.forget("a");
    videos.forget("a");
    expect(listener).toHaveBeenCalledTimes(2);
    expect(videos.jobs()).toEqual([]);
    off();
    videos.watch("b");
    expect(listener).toHaveBeenCalledTimes(2);
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

  test("given a proxy around a manager, every method works, and watches keep their identity", async () => {
    serveCreate();
    fixture.server.create("a");
    const videos = make();
    const proxy = deepProxy(videos);
    const listener = vi.fn();
    const off = proxy.subscribe(listener);
    const a = proxy.watch("a");
    expect(videos.watch("a")).toBe(a);
    expect(proxy.jobs()).toBe(videos.jobs());
    expect(proxy.getSnapshot()).toEqual([a]);
    expect(listener).toHaveBeenCalledTimes(1);
    expect((await proxy.create({ topic: "a" })).jobId).toBe("job1");
    expect(await proxy.cancel("a")).toMatchObject({ jobId: "a" });
    off();
    proxy.forget("a");
    expect(proxy.resume().map(({ jobId }) => jobId)).toEqual(["job1"]);
    proxy.close();
    expect(() => proxy.watch("b")).toThrow(expect.objectContaining({ code: "closed" }));
  });
});

/** Wraps every object that is read from it, as reactive frameworks do: methods get the proxy as `this`. */
function deepProxy<T extends object>(target: T): T {
  return new Proxy(target, {
    get(object, name, receiver) {
      const value: unknown = Reflect.get(object, name, receiver);
      return typeof value === "object" && value !== null ? deepProxy(value) : value;
    },
  });
}

describe("a reload of the page", () => {
  test("given jobs of an earlier page, finds them again in order, finished ones as well", async () => {
    fixture.server.create("a", { status: "completed", result: 1 });
    fixture.server.create("b", { percent: 5 });
    const before = make();
    before.watch("a");
    before.watch("b");
    before.close();
    const [a, b] = make().resume();
    await expect(a?.result).resolves.toBe(1);
    expect(b && (await until(b, ({ job }) => job?.percent === 5)).job?.id).toBe("b");
  });

  test("given a job that was forgotten, or that the server does not have, does not find it again", async () => {
    fixture.server.create("a");
    const before = make();
    for (const jobId of ["a", "b", "missing"]) before.watch(jobId);
    before.forget("b");
    await before.watch("missing").result.catch(() => {});
    before.close();
    expect(
      make()
        .resume()
        .map(({ jobId }) => jobId),
    ).toEqual(["a"]);
  });

  test.each(["{", "null", '{"a":1}', '[1,null,""]'])(
    "given %o in the storage, finds nothing",
    (text) => {
      fixture.storage.setItem(`emlinh-progress:${fixture.server.baseUrl}`, text);
      expect(make().resume()).toEqual([]);
    },
  );

  test("given a storage that throws, works without it", () => {
    const broken = (): never => {
      throw new Error("The quota is used up.");
    };
    const videos = make({ storage: { getItem: broken, setItem: broken } });
    expect(videos.resume()).toEqual([]);
    expect(videos.watch("a").jobId).toBe("a");
  });

  test("given two managers with different keys, they do not share jobs; given no storage, keeps nothing", () => {
    make({ storageKey: "one" }).watch("a");
    expect(make({ storageKey: "two" }).resume()).toEqual([]);
    expect(fixture.storage.items.get("one")).toBe('["a"]');
    make({ storage: false }).watch("b");
    expect(make({ storage: false }).resume()).toEqual([]);
  });

  test("given more jobs than fit in the storage, keeps the newest", () => {
    const videos = make();
    for (let count = 1; count <= 60; count += 1) videos.watch(`j${count}`);
    const ids = make()
      .resume()
      .map(({ jobId }) => jobId);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([50, "j11", "j60"]);
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
});
