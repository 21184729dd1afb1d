import { describe, expect, test, vi } from "vitest";
import { storeUnavailable } from "../../../../src/shared/errors.js";
import { advance, useFakeTime } from "../../context.js";
import { listeningWatcher, watcherFixture } from "./fixture.js";
import type { ScriptedStore } from "./scripted-store.js";

useFakeTime();

describe("open", () => {
  test("given a job, starts the watch before it reads", async () => {
    const { watcher, store } = watcherFixture();
    const release = store.holdWatches();
    const opening = watcher.open();
    await advance(0);
    expect(store.reads).toEqual([]);
    release();
    expect(await opening).toMatchObject({ cursor: "epoch.1", reset: true });
    expect(store.reads).toEqual([undefined]);
  });

  test("given a wake before the first read, does not read for it again", async () => {
    const { watcher, store, listen, reads } = watcherFixture();
    const { watch } = store;
    store.watch = async (jobId, wake) => {
      const unwatch = await watch(jobId, wake);
      wake();
      return unwatch;
    };
    await watcher.open();
    await listen();
    await advance(1_000);
    expect(await reads()).toBe(0);
  });

  test("given an unknown job, throws job-not-found", async () => {
    const { watcher, store } = watcherFixture();
    store.isRemoved = true;
    await expect(watcher.open()).rejects.toMatchObject({ code: "job-not-found" });
    watcher.stop();
    expect(store.unwatched).toBe(1);
  });
});

describe("listen", () => {
  test("given no change since open, does not read", async () => {
    const { reads } = await listeningWatcher();
    expect(await reads()).toBe(0);
  });

  test("given a change between open and listen, passes it on before it resolves", async () => {
    const { watcher, store, changes, listen } = watcherFixture();
    await watcher.open();
    store.fields = { cancelRequested: true };
    store.wake(2);
    await advance(100);
    expect(store.reads).toHaveLength(1);
    await listen();
    expect(store.reads).toEqual([undefined, "epoch.1"]);
    expect(changes).toEqual([{ cancelRequested: true }]);
  });

  test("given a version that a reply left out, passes it on before it resolves", async () => {
    const { watcher, store, changes, listen, write } = watcherFixture();
    await watcher.open();
    write();
    store.fields = { status: "lost" };
    store.reply(3);
    await advance(0);
    await listen();
    expect(changes).toEqual([{ status: "lost" }]);
  });
});

describe("stop", () => {
  test("given wakes, replies and time after it, does not read", async () => {
    const { watcher, store, write, reads } = await listeningWatcher();
    write();
    watcher.stop();
    store.wake(5);
    store.wake();
    store.reply(7);
    expect(vi.getTimerCount()).toBe(0);
    await advance(60_000);
    expect(await reads()).toBe(0);
  });

  test.each<[result: string, prepare: (store: ScriptedStore) => void]>([
    ["a delta", () => {}],
    [
      "a removal",
      (store) => {
        store.isRemoved = true;
      },
    ],
    [
      "an error",
      (store) => {
        store.readError = storeUnavailable("The store is down.");
      },
    ],
  ])("given a read under way that returns %s, ignores it", async (_result, prepare) => {
    const { watcher, store, changes, removals, errors, reads } = await listeningWatcher();
    prepare(store);
    const release = store.holdReads();
    store.wake(2);
    expect(await reads()).toBe(1);
    watcher.stop();
    release();
    await advance(60_000);
    expect([changes, removals, errors]).toEqual([[], [], []]);
    expect(await reads()).toBe(1);
  });

  test("given a second call, ends the watch once", async () => {
    const { watcher, store } = await listeningWatcher();
    watcher.stop();
    watcher.stop();
    expect(store.unwatched).toBe(1);
  });

  test("given a watch whose end fails, reports the error", async () => {
    const { watcher, store, errors } = await listeningWatcher();
    const cause = new Error("ECONNRESET");
    store.unwatchError = cause;
    watcher.stop();
    await advance(0);
    expect(errors).toMatchObject([{ code: "internal", cause }]);
  });

  test("given a watch that starts after it, ends that watch", async () => {
    const { watcher, store } = watcherFixture();
    const release = store.holdWatches();
    const opening = watcher.open();
    watcher.stop();
    release();
    await opening;
    expect(store.unwatched).toBe(1);
  });

  test("given no open, does nothing", () => {
    const { watcher, store } = watcherFixture();
    watcher.stop();
    expect(store.unwatched).toBe(0);
  });
});
