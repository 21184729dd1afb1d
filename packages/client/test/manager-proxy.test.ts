import { JobManager, type JobManagerOptions } from "@emlinh/progress-client";
import { describe, expect, test, vi } from "vitest";
import { deepProxy } from "./support/deep-proxy.js";
import { managerFixture } from "./support/manager-fixture.js";
import { until } from "./support/until.js";

const fixture = managerFixture();
const { make, serveCreate } = fixture;

describe("a manager behind the proxy of a reactive framework", () => {
  test("every method works, and watches keep their identity", async () => {
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
    expect(listener).toHaveBeenCalledTimes(2);
    expect((await proxy.create({ topic: "a" })).jobId).toBe("job1");
    expect(await proxy.cancel("a")).toMatchObject({ jobId: "a" });
    off();
    proxy.forget("a");
    expect(proxy.resume().map(({ jobId }) => jobId)).toEqual(["job1"]);
    proxy.close();
    expect(() => proxy.watch("b")).toThrow(expect.objectContaining({ code: "closed" }));
  });

  test("given a watch, options and a list behind proxies as well, they work", async () => {
    serveCreate();
    const { baseUrl } = fixture.server;
    const options: Partial<JobManagerOptions> = deepProxy({
      baseUrl,
      headers: { "x-app": "1" },
      backoffMs: [5],
    });
    const proxy = deepProxy(make(options));
    const watch = deepProxy(await proxy.create(deepProxy({ topic: "a", list: [{ n: 1 }] })));
    expect((await until(watch, ({ job }) => job?.percent === 1)).job?.id).toBe("job1");
    expect(deepProxy(proxy.jobs()).map(({ jobId }) => jobId)).toEqual(["job1"]);
    fixture.server.write("job1", { status: "completed", result: 7 });
    await expect(watch.result).resolves.toBe(7);
  });

  test("given methods that are taken off a manager, they work", () => {
    const { watch, jobs, subscribe, getSnapshot, getServerSnapshot, close } = make();
    const listener = vi.fn();
    subscribe(listener);
    const a = watch("a");
    expect(listener).toHaveBeenLastCalledWith([a]);
    expect(jobs()).toBe(getSnapshot());
    expect(getServerSnapshot()).toEqual([]);
    expect(getServerSnapshot()).toBe(getServerSnapshot());
    close();
  });

  test("given a manager, it is an instance of the class", () => {
    expect(make()).toBeInstanceOf(JobManager);
  });
});
