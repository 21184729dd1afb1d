import { describe, expect, test } from "vitest";
import { ProgressError } from "../../src/index.js";
import { advance, makeContext, useFakeTime } from "./context.js";
import { openStream } from "./streams.js";

useFakeTime();

describe("healthy()", () => {
  test("given a store that answers, is true, and creates and watches nothing", async () => {
    const { progress, store } = makeContext();
    await expect(progress.healthy()).resolves.toBe(true);
    expect(store.calls).toMatchObject({ read: 1, create: 0, write: 0, watch: 0 });
  });

  test.each(["job-not-found", "job-expired"] as const)(
    "given a store that answers %s, is true",
    async (code) => {
      const { progress, store } = makeContext();
      store.read = () => Promise.reject(new ProgressError(code, { message: "A job." }));
      await expect(progress.healthy()).resolves.toBe(true);
    },
  );

  test("given a store that fails, is false until it is back, and tells onError nothing", async () => {
    const { progress, store, errors } = makeContext();
    store.fail("read");
    await expect(progress.healthy()).resolves.toBe(false);
    store.recover();
    await expect(progress.healthy()).resolves.toBe(true);
    expect(errors).toEqual([]);
  });

  test("given a store that does not answer, is false after two seconds", async () => {
    const { progress, store } = makeContext();
    store.hold("read");
    let answer: boolean | undefined;
    void progress.healthy().then((healthy) => {
      answer = healthy;
    });
    await advance(1_900);
    expect(answer).toBeUndefined();
    await advance(200);
    expect(answer).toBe(false);
  });

  test("given calls at the same time, reads once", async () => {
    const { progress, store } = makeContext();
    const answers = await Promise.all([1, 2, 3].map(() => progress.healthy()));
    expect(answers).toEqual([true, true, true]);
    expect(store.calls.read).toBe(1);
    await progress.healthy();
    expect(store.calls.read).toBe(2);
  });

  test("given a server that drains, is false at once, also while it asks the store", async () => {
    const { progress, store, createJob } = makeContext();
    await openStream(progress, await createJob());
    const release = store.hold("read");
    const asked = progress.healthy();
    const drained = progress.drain({ spreadMs: 100 });
    release();
    await expect(asked).resolves.toBe(false);
    const { read } = store.calls;
    await expect(progress.healthy()).resolves.toBe(false);
    expect(store.calls.read).toBe(read);
    await advance(200);
    await drained;
    await expect(progress.healthy()).resolves.toBe(false);
  });

  test("given a progress that was closed, is false", async () => {
    const { progress } = makeContext();
    await progress.close();
    await expect(progress.healthy()).resolves.toBe(false);
  });

  test("given probes of a process that does nothing else, sweeps as rarely as without them", async () => {
    const [probed, idle] = [1, 2].map(() => makeContext({ sweepIntervalMs: 5_000 }));
    for (let i = 0; i < 60; i += 1) {
      await probed?.progress.healthy();
      await advance(5_000);
    }
    expect(probed?.store.calls.sweep).toBe(idle?.store.calls.sweep);
  });
});
