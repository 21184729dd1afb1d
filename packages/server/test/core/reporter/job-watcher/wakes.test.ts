import { describe, expect, test } from "vitest";
import { jobExpired, storeUnavailable } from "../../../../src/shared/errors.js";
import { advance, useFakeTime } from "../../context.js";
import { listeningWatcher, RENEWAL, REREAD_MS, UPDATE, type WatcherFixture } from "./fixture.js";

useFakeTime();

interface Case {
  readonly given: string;
  /** Number of reads that begin at once. */
  readonly reads: number;
  events(fixture: WatcherFixture): void | Promise<void>;
}

const CASES: readonly Case[] = [
  {
    given: "its own write with the next version in the reply and no wake",
    reads: 0,
    events({ write, store }) {
      write();
      store.reply(2);
    },
  },
  {
    given: "the wake of its own write before the reply",
    reads: 0,
    events({ write, store }) {
      write();
      store.wake(2);
      store.reply(2);
    },
  },
  {
    given: "the wake of its own write after the reply",
    reads: 0,
    async events({ write, store }) {
      write();
      store.reply(2);
      await advance(0);
      store.wake(2);
    },
  },
  {
    given: "a hundred own writes with their wakes",
    reads: 0,
    async events({ write, store }) {
      for (let version = 2; version <= 101; version += 1) {
        write();
        store.wake(version);
        store.reply(version);
        await advance(0);
      }
    },
  },
  {
    given: "wakes of versions that it knows",
    reads: 0,
    async events({ write, store }) {
      write();
      store.reply(2);
      await advance(0);
      for (const version of [1, 2, 2]) store.wake(version);
    },
  },
  {
    given: "a wake above its last write",
    reads: 1,
    events({ store }) {
      store.wake(2);
    },
  },
  {
    given: "a wake above its own write while that write has no reply",
    reads: 1,
    events({ write, store }) {
      write();
      store.wake(2);
      store.wake(3);
    },
  },
  {
    given: "the reply to an own write whose version was read before",
    reads: 1,
    async events({ write, store }) {
      write();
      store.wake(3);
      await advance(0);
      store.reply(2);
    },
  },
  {
    given: "the wake of another write before its own, and then the reply",
    reads: 1,
    events({ write, store }) {
      write();
      store.wake(2);
      store.reply(3);
    },
  },
  {
    given: "a reply that leaves out a version, without a wake",
    reads: 1,
    events({ write, store }) {
      write();
      store.reply(3);
    },
  },
  {
    given: "a reply of another epoch",
    reads: 1,
    events({ write, store }) {
      write();
      store.epoch = "other";
      store.reply(2);
    },
  },
  {
    given: "the reply to a renewal with the known version",
    reads: 0,
    events({ write, store }) {
      write(RENEWAL);
      store.reply(1);
    },
  },
  {
    given: "the reply to a renewal above the known version",
    reads: 1,
    events({ write, store }) {
      write(RENEWAL);
      store.reply(2);
    },
  },
  {
    given: "a write that fails after its wake",
    reads: 1,
    events({ write, store }) {
      write();
      store.wake(2);
      store.rejectWrite(storeUnavailable("No reply."));
    },
  },
  {
    given: "a write that fails without a wake",
    reads: 0,
    events({ write, store }) {
      write();
      store.rejectWrite(storeUnavailable("No reply."));
    },
  },
  {
    given: "two wakes in the same turn",
    reads: 1,
    events({ store }) {
      store.wake(3);
      store.wake(3);
    },
  },
];

describe("wakes and replies", () => {
  test.each(CASES.map(({ given, reads, events }) => [given, reads, events] as const))(
    "given %s, reads %i times at once",
    async (_given, reads, events) => {
      const fixture = await listeningWatcher();
      await events(fixture);
      expect(await fixture.reads()).toBe(reads);
    },
  );

  test("given a read, reads after the last known version and passes the fields on", async () => {
    const { store, changes, write, reads } = await listeningWatcher();
    write();
    store.reply(2);
    await advance(0);
    store.fields = { cancelRequested: true };
    store.wake(3);
    expect(await reads()).toBe(1);
    expect(store.reads.at(-1)).toBe("epoch.2");
    expect(changes).toEqual([{ cancelRequested: true }]);
  });

  test("given another epoch with a lower version, continues from that version", async () => {
    const { store, write, reads } = await listeningWatcher();
    write();
    store.reply(2);
    await advance(0);
    store.epoch = "other";
    store.version = 1;
    await advance(REREAD_MS);
    expect(await reads()).toBe(1);
    write();
    store.reply(2);
    expect(await reads()).toBe(1);
  });

  test("given a read that includes the write under way, reads for the next wake at once", async () => {
    const { store, write, reads } = await listeningWatcher();
    write();
    store.wake(3);
    expect(await reads()).toBe(1);
    store.wake(4);
    expect(await reads()).toBe(2);
    expect(store.reads.at(-1)).toBe("epoch.3");
  });

  test("given the reply to a write, returns it", async () => {
    const { watcher, store } = await listeningWatcher();
    const writing = watcher.write(UPDATE);
    store.reply(2);
    expect(await writing).toEqual({ cursor: "epoch.2", now: Date.now() });
  });

  test("given a write that fails, throws its error", async () => {
    const { watcher, store } = await listeningWatcher();
    const writing = watcher.write(UPDATE);
    store.rejectWrite(jobExpired("job"));
    await expect(writing).rejects.toMatchObject({ code: "job-expired" });
  });
});

describe("a read that is under way", () => {
  async function reading(): Promise<WatcherFixture & { release(): void }> {
    const fixture = await listeningWatcher();
    const release = fixture.store.holdReads();
    fixture.store.wake(2);
    await advance(0);
    return { ...fixture, release };
  }

  test("given wakes above the version that it returns, reads once more after it", async () => {
    const { store, reads, release } = await reading();
    store.wake(3);
    store.wake(4);
    expect(await reads()).toBe(1);
    release();
    expect(await reads()).toBe(2);
    expect(store.reads.at(-1)).toBe("epoch.2");
  });

  test("given a wake of the version that it returns, does not read again", async () => {
    const { store, reads, release } = await reading();
    store.wake(2);
    release();
    expect(await reads()).toBe(1);
  });

  test("given the reply to an own write meanwhile, keeps the version of the reply", async () => {
    const { store, write, reads } = await listeningWatcher();
    const release = store.holdReads();
    await advance(REREAD_MS);
    write();
    store.reply(2);
    await advance(0);
    release();
    await advance(0);
    write();
    store.reply(3);
    expect(await reads()).toBe(1);
  });

  test("given a reply that left out a version meanwhile, reads once more after it", async () => {
    const { store, write, reads, release } = await reading();
    write();
    store.reply(4);
    expect(await reads()).toBe(1);
    release();
    expect(await reads()).toBe(2);
  });
});

describe("wakes without a version", () => {
  test("given one long after the last read, reads at once", async () => {
    const { store, reads } = await listeningWatcher();
    await advance(1_000);
    store.wake();
    expect(await reads()).toBe(1);
  });

  test("given one shortly after the last read, reads 500 ms after that read", async () => {
    const { store, reads } = await listeningWatcher();
    await advance(1_000);
    store.wake();
    await advance(200);
    store.wake();
    await advance(299);
    expect(await reads()).toBe(1);
    await advance(1);
    expect(await reads()).toBe(2);
  });

  test("given one with each own write, reads at most twice a second", async () => {
    const { store, write, reads } = await listeningWatcher();
    for (let version = 2; version <= 101; version += 1) {
      write();
      store.wake();
      store.reply(version);
      await advance(100);
    }
    expect(await reads()).toBeGreaterThan(1);
    expect(await reads()).toBeLessThanOrEqual(21);
  });

  test("given another wake with a later version, reads at once", async () => {
    const { store, reads } = await listeningWatcher();
    await advance(1_000);
    store.wake();
    await advance(0);
    store.wake();
    store.wake(2);
    expect(await reads()).toBe(2);
  });
});

describe("lost wakes", () => {
  test("given no contact for rereadMs, reads", async () => {
    const { store, changes, reads } = await listeningWatcher();
    store.fields = { status: "lost" };
    await advance(REREAD_MS - 1);
    expect(await reads()).toBe(0);
    await advance(1);
    expect(await reads()).toBe(1);
    expect(changes).toEqual([{ status: "lost" }]);
    await advance(REREAD_MS);
    expect(await reads()).toBe(2);
  });

  test("given replies to writes and renewals, counts rereadMs from the last one", async () => {
    const { store, write, reads } = await listeningWatcher();
    await advance(3_000);
    write();
    store.reply(2);
    await advance(3_000);
    write(RENEWAL);
    store.reply(2);
    await advance(REREAD_MS - 1);
    expect(await reads()).toBe(0);
    await advance(1);
    expect(await reads()).toBe(1);
  });
});
