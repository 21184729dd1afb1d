import { isProgressError, type Json } from "@emlinh/progress-protocol";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { JobDraft, ProgressStore, Written } from "../../src/core/store.js";
import { memoryStore } from "../../src/stores/memory/memory-store.js";
import type { MemoryStoreOptions } from "../../src/stores/memory/options.js";
import { storeSuite } from "../../src/testing/index.js";

function draft(id: string, key?: string): JobDraft {
  return { id, key, set: { kind: "video", status: "queued", attempt: 1 } };
}

async function end(store: ProgressStore, id: string): Promise<void> {
  await store.write(id, { set: { status: "completed" }, log: [] });
}

function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "none",
    (error: unknown) => (isProgressError(error) ? error.code : String(error)),
  );
}

const opened: ProgressStore[] = [];

/** Opens a store that is closed after the test: it would be asked for the jobs that others do not have. */
function openStore(options?: MemoryStoreOptions): ProgressStore {
  const store = memoryStore(options);
  opened.push(store);
  return store;
}

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

describe("memoryStore", () => {
  storeSuite(test, ({ space: _, ...options }) => memoryStore(options), {
    shared: false,
    durable: false,
    tombstones: true,
    clock: "injected",
  });
});

describe("memoryStore with the wall clock, as a store that uses its backend's clock", () => {
  storeSuite(test, ({ space: _, clock: __, ...options }) => memoryStore(options), {
    shared: false,
    durable: false,
    tombstones: true,
    clock: "backend",
  });
});

describe("memoryStore's bounds", () => {
  test("given maxJobs jobs, create() removes the job that ended first and remembers its id", async () => {
    const store = openStore({ maxJobs: 3 });
    for (const id of ["a", "b", "c"]) await store.create(draft(id, `key of ${id}`));
    await end(store, "b");
    await end(store, "a");
    let wakes = 0;
    await store.watch({ jobId: "b" }, () => {
      wakes += 1;
    });
    await store.create(draft("d"));
    expect(await codeOf(store.read("b"))).toBe("job-expired");
    expect(wakes).toBe(1);
    expect((await store.read("a"))?.set.status).toBe("completed");
    expect(await store.create(draft("e", "key of b"))).toMatchObject({ jobId: "e", created: true });
    expect(await codeOf(store.read("a"))).toBe("job-expired");
  });

  test("given maxJobs jobs of which none has ended, create() throws store-full, except for known keys", async () => {
    const store = openStore({ maxJobs: 2 });
    await store.create(draft("a", "key"));
    await store.create(draft("b"));
    expect(await codeOf(store.create(draft("c")))).toBe("store-full");
    expect(await store.read("c")).toBeUndefined();
    expect(await store.create(draft("d", "key"))).toMatchObject({ jobId: "a", created: false });
    await end(store, "b");
    expect(await codeOf(store.create(draft("c")))).toBe("none");
  });

  test("given more removed jobs than maxTombstones, forgets the oldest", async () => {
    const store = openStore({ maxJobs: 1, maxTombstones: 2 });
    for (const id of ["a", "b", "c", "d"]) {
      await store.create(draft(id));
      await end(store, id);
    }
    expect(await store.read("a")).toBeUndefined();
    expect(await codeOf(store.read("b"))).toBe("job-expired");
    expect(await codeOf(store.read("c"))).toBe("job-expired");
    expect((await store.read("d"))?.set.status).toBe("completed");
  });

  test("given no tombstones, answers for a removed job as for an unknown one", async () => {
    const store = openStore({ maxJobs: 1, maxTombstones: 0 });
    await store.create(draft("a"));
    await end(store, "a");
    await store.create(draft("b"));
    expect(await store.read("a")).toBeUndefined();
  });

  test("given many jobs, a sweep finds the two that are due", async () => {
    const store = openStore({ clock: () => 1_000_000 });
    for (let by = 0; by < 2000; by += 1) await store.create(draft(`job-${by}`));
    const renewal = { set: {}, log: [], leaseMs: 1000 };
    await store.write("job-5", renewal);
    await store.write("job-1999", renewal);
    const report = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
    expect(await store.sweep(1_000_999, 10)).toEqual(report);
    expect(await store.sweep(1_001_000, 10)).toEqual({ ...report, stale: 2 });
  });

  test.each<[string, MemoryStoreOptions]>([
    ["maxLogLines", { maxLogLines: 0 }],
    ["maxLogLines", { maxLogLines: 1.5 }],
    ["ttlMs", { ttlMs: 0 }],
    ["ttlMs", { ttlMs: Number.NaN }],
    ["idleTtlMs", { idleTtlMs: -1 }],
    ["maxJobs", { maxJobs: 0 }],
    ["maxTombstones", { maxTombstones: -1 }],
    ['"maxJob"; did you mean "maxJobs"?', { maxJob: 10 } as object],
  ])("given an invalid %s, throws invalid-option: %o", (name, options) => {
    expect(() => memoryStore(options)).toThrow(name);
    try {
      memoryStore(options);
    } catch (error) {
      expect(isProgressError(error, "invalid-option")).toBe(true);
    }
  });

  test("given Infinity for each bound, removes nothing", async () => {
    const forever = Number.POSITIVE_INFINITY;
    const store = openStore({
      maxLogLines: forever,
      ttlMs: forever,
      idleTtlMs: forever,
      maxJobs: forever,
      maxTombstones: forever,
    });
    await store.create(draft("a"));
    await store.create(draft("b"));
    await end(store, "b");
    expect(await store.sweep(Number.MAX_SAFE_INTEGER, 10)).toMatchObject({ expired: 0 });
  });
});

describe("memoryStore's writes", () => {
  test("given a wake that writes synchronously, returns each writer its own cursor", async () => {
    const store = openStore();
    const { cursor } = await store.create(draft("a"));
    let woken = false;
    let inner: Promise<Written> | undefined;
    await store.watch({ jobId: "a" }, () => {
      if (woken) return;
      woken = true;
      inner = store.write("a", { set: { percent: 2 }, log: [] });
    });
    const outer = await store.write("a", { set: { percent: 1 }, log: [] });
    const epoch = cursor.split(".")[0];
    const cursors = [outer.cursor, (await inner)?.cursor];
    expect(cursors).toEqual([`${epoch}.2`, `${epoch}.3`]);
  });

  test("given a value that can't be written as JSON, writes nothing of the change", async () => {
    const store = openStore({ clock: () => 1_000_000 });
    await store.create(draft("a"));
    const before = await store.read("a");
    // The types do not allow this value, and the core checks each change before.
    const set = { percent: 1, "metadata.big": 1n as unknown as Json };
    await expect(store.write("a", { set, log: [], leaseMs: 1 })).rejects.toThrow();
    await expect(store.create({ id: "b", set })).rejects.toThrow();
    expect(await store.read("a")).toEqual(before);
    expect(await store.read("b")).toBeUndefined();
    expect(await store.sweep(1_010_000, 10)).toMatchObject({ stale: 0, lost: 0 });
  });
});

const NOTHING = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };

/** The clocks of the process, before a store is made: their offsets from the real ones. */
function controlClocks(): { dayMs: number; passedMs: number } {
  const offsets = { dayMs: 0, passedMs: 0 };
  const [day, monotonic] = [Date.now, performance.now.bind(performance)];
  vi.spyOn(Date, "now").mockImplementation(() => day() + offsets.dayMs);
  vi.spyOn(performance, "now").mockImplementation(() => monotonic() + offsets.passedMs);
  return offsets;
}

/** A store with a leased job, one with a deadline, one that has ended and one that waits. */
async function storeWithTimes(): Promise<ProgressStore> {
  const store = openStore({ ttlMs: 10_000, idleTtlMs: 10_000 });
  await store.create(draft("leased"));
  await store.write("leased", { set: { status: "running" }, log: [], leaseMs: 10_000 });
  await store.create({ ...draft("deadline"), deadlineMs: 10_000 });
  await store.write("deadline", { set: {}, log: [], leaseMs: 1e9 });
  await store.create(draft("ended"));
  await end(store, "ended");
  await store.create(draft("idle"));
  return store;
}

describe("memoryStore's clocks", () => {
  test.each([90_000, 3_600_000, 365 * 86_400_000, -3_600_000])(
    "given a time of day that jumps by %i ms, ends, marks and removes no job",
    async (ms) => {
      const clocks = controlClocks();
      const store = await storeWithTimes();
      clocks.dayMs += ms;
      for (let by = 0; by < 3; by += 1) expect(await store.sweep(undefined, 10)).toEqual(NOTHING);
      expect(await store.sweep(Date.now() + 9_000, 10)).toEqual(NOTHING);
    },
  );

  test("given time that passes, marks, ends and removes the jobs that are due", async () => {
    const clocks = controlClocks();
    const store = await storeWithTimes();
    clocks.passedMs += 9_000;
    expect(await store.sweep(undefined, 10)).toEqual(NOTHING);
    clocks.passedMs += 1_100;
    expect(await store.sweep(undefined, 10)).toEqual({
      ...NOTHING,
      stale: 1,
      timedOut: 1,
      expired: 2,
    });
    clocks.passedMs += 9_000;
    expect(await store.sweep(undefined, 10)).toEqual(NOTHING);
    clocks.passedMs += 1_100;
    expect(await store.sweep(undefined, 10)).toEqual({ ...NOTHING, lost: 1, expired: 1 });
  });

  test("given a machine that slept for a day, the worker that wakes up with it keeps its job", async () => {
    const clocks = controlClocks();
    const store = await storeWithTimes();
    clocks.passedMs += 86_400_000;
    expect((await store.sweep(undefined, 10)).stale).toBe(1);
    expect((await store.sweep(undefined, 10)).lost).toBe(0);
    await store.write("leased", { set: {}, log: [], leaseMs: 10_000 });
    clocks.passedMs += 9_000;
    expect(await store.sweep(undefined, 10)).toMatchObject({ stale: 0, lost: 0 });
    expect((await store.read("leased"))?.set).toMatchObject({ status: "running", stale: false });
  });

  test("given a time of day that jumps, readers get the new time", async () => {
    const clocks = controlClocks();
    const store = await storeWithTimes();
    clocks.dayMs += 3_600_000;
    const { now } = await store.write("leased", { set: { message: "one" }, log: [] });
    const read = await store.read("leased");
    expect(read?.set.updatedAt).toBe(now);
    for (const time of [now, read?.now])
      expect(Math.abs(Number(time) - Date.now())).toBeLessThan(60_000);
  });

  test("given a clock, measures leases by it alone", async () => {
    const clocks = controlClocks();
    let now = 1_000_000;
    const store = openStore({ clock: () => now });
    await store.create(draft("a"));
    await store.write("a", { set: {}, log: [], leaseMs: 10_000 });
    clocks.passedMs += 3_600_000;
    expect(await store.sweep(undefined, 10)).toEqual(NOTHING);
    now += 10_000;
    expect(await store.sweep(undefined, 10)).toEqual({ ...NOTHING, stale: 1 });
  });
});
