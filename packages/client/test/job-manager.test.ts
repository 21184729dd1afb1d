import { JobManager, VideoManager } from "@emlinh/progress-client";
import { describe, expect, test, vi } from "vitest";
import { managerFixture } from "./support/manager-fixture.js";

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
