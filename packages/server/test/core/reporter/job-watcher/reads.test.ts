import { describe, expect, test } from "vitest";
import { jobExpired, jobNotFound, storeUnavailable } from "../../../../src/shared/errors.js";
import { advance, useFakeTime } from "../../context.js";
import { listeningWatcher, REREAD_MS, watcherFixture } from "./fixture.js";

useFakeTime();

describe("reads that fail", () => {
  test("given failures, reads again with growing waits and reports one error", async () => {
    const { store, errors, changes, reads } = await listeningWatcher();
    store.readError = storeUnavailable("The store is down.");
    store.wake(2);
    expect(await reads()).toBe(1);
    await advance(199);
    expect(await reads()).toBe(1);
    await advance(1);
    expect(await reads()).toBe(2);
    await advance(399);
    expect(await reads()).toBe(2);
    await advance(1);
    expect(await reads()).toBe(3);
    store.readError = undefined;
    store.fields = { cancelRequested: true };
    await advance(800);
    expect(await reads()).toBe(4);
    expect(changes).toEqual([{ cancelRequested: true }]);
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given wakes and replies during the failures, does not read earlier", async () => {
    const { store, write, reads } = await listeningWatcher();
    store.readError = storeUnavailable("The store is down.");
    store.wake(2);
    await advance(100);
    store.wake(3);
    store.wake();
    write();
    store.reply(9);
    expect(await reads()).toBe(1);
    await advance(100);
    expect(await reads()).toBe(2);
  });

  test("given a failure after a success, reports it and starts with the shortest wait", async () => {
    const { store, errors, reads } = await listeningWatcher();
    for (let failure = 1; failure <= 2; failure += 1) {
      store.readError = storeUnavailable("The store is down.");
      store.wake(store.version + 1);
      await advance(0);
      store.readError = undefined;
      await advance(200);
    }
    expect(await reads()).toBe(4);
    expect(errors).toHaveLength(2);
  });

  test("given a failure without a wake, reads again", async () => {
    const { store, reads } = await listeningWatcher();
    store.readError = storeUnavailable("The store is down.");
    await advance(REREAD_MS);
    store.readError = undefined;
    await advance(200);
    expect(await reads()).toBe(2);
  });

  test("given an error that is not a ProgressError, reports it as internal with its cause", async () => {
    const { store, errors } = await listeningWatcher();
    const cause = new Error("ECONNRESET");
    store.readError = cause;
    store.wake(2);
    await advance(0);
    expect(errors).toMatchObject([{ code: "internal", cause }]);
  });
});

describe("a removed job", () => {
  test("given a read that returns undefined, calls removed", async () => {
    const { store, changes, removals, errors } = await listeningWatcher();
    store.isRemoved = true;
    store.wake(2);
    await advance(0);
    expect(removals).toHaveLength(1);
    expect([changes, errors]).toEqual([[], []]);
  });

  test.each([
    ["job-expired", jobExpired("job")],
    ["job-not-found", jobNotFound("job")],
  ])("given a read that throws %s, calls removed and reports no error", async (_code, error) => {
    const { store, changes, removals, errors } = await listeningWatcher();
    store.readError = error;
    store.wake(2);
    await advance(0);
    expect(removals).toHaveLength(1);
    expect([changes, errors]).toEqual([[], []]);
  });
});

test("given a listener that throws, reports the error and continues to read", async () => {
  const { watcher, store, errors, reads } = watcherFixture();
  await watcher.open();
  const cause = new Error("listener");
  await watcher.listen({
    changed: () => {
      throw cause;
    },
    removed: () => {},
  });
  store.wake(2);
  expect(await reads()).toBe(1);
  store.wake(3);
  expect(await reads()).toBe(2);
  expect(errors).toMatchObject([
    { code: "internal", cause },
    { code: "internal", cause },
  ]);
});
