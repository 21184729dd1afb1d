import { isProgressError, type Json } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
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

describe("memoryStore", () => {
  storeSuite(test, (options) => memoryStore(options), {
    shared: false,
    durable: false,
    tombstones: true,
    clock: "injected",
  });
});

describe("memoryStore with the wall clock, as a store that uses its backend's clock", () => {
  storeSuite(test, ({ clock: _, ...options }) => memoryStore(options), {
    shared: false,
    durable: false,
    tombstones: true,
    clock: "backend",
  });
});

describe("memoryStore's bounds", () => {
  test("given maxJobs jobs, create() removes the job that ended first and remembers its id", async () => {
    const store = memoryStore({ maxJobs: 3 });
    for (const id of ["a", "b", "c"]) await store.create(draft(id, `key of ${id}`));
    await end(store, "b");
    await end(store, "a");
    let wakes = 0;
    await store.watch("b", () => {
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
    const store = memoryStore({ maxJobs: 2 });
    await store.create(draft("a", "key"));
    await store.create(draft("b"));
    expect(await codeOf(store.create(draft("c")))).toBe("store-full");
    expect(await store.read("c")).toBeUndefined();
    expect(await store.create(draft("d", "key"))).toMatchObject({ jobId: "a", created: false });
    await end(store, "b");
    expect(await codeOf(store.create(draft("c")))).toBe("none");
  });

  test("given more removed jobs than maxTombstones, forgets the oldest", async () => {
    const store = memoryStore({ maxJobs: 1, maxTombstones: 2 });
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
    const store = memoryStore({ maxJobs: 1, maxTombstones: 0 });
    await store.create(draft("a"));
    await end(store, "a");
    await store.create(draft("b"));
    expect(await store.read("a")).toBeUndefined();
  });

  test("given many jobs, a sweep finds the two that are due", async () => {
    const store = memoryStore({ clock: () => 1_000_000 });
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
    const store = memoryStore({
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
    const store = memoryStore();
    const { cursor } = await store.create(draft("a"));
    let woken = false;
    let inner: Promise<Written> | undefined;
    await store.watch("a", () => {
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
    const store = memoryStore({ clock: () => 1_000_000 });
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
