import { assertEqual, assertRejects } from "../assert.js";
import type { StoreCase } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  heldBy,
  LONG_MS,
  line,
  NOTHING_SWEPT,
  range,
  readFields,
  readJob,
  renewal,
  STALE_MS,
  versionOf,
  writeJob,
} from "../fixtures.js";

/** A write whose bytes arrive again, or late, after its worker has given up on it and gone on (P51). */
export const REPEATED: readonly StoreCase[] = [
  {
    name: "given a write that arrives twice, returns the current cursor and changes nothing",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const write = change({ percent: 40 }, { log: [line("one")], hold: heldBy("a", 2) });
      const cursor = await writeJob(store, "a", write);
      const before = await readJob(store, "a");
      for (const _ of range(2))
        assertEqual(await writeJob(store, "a", write), cursor, "the cursor of the repeated write");
      assertEqual(await readJob(store, "a"), before, "the job");
    },
  },
  {
    name: "given a write that arrives again after newer ones, undoes none of them",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const old = change(
        { percent: 40, message: "old" },
        { log: [line("old")], hold: heldBy("a", 2) },
      );
      await store.write("a", old);
      await store.write("a", change({ percent: 50 }, { hold: heldBy("a", 3) }));
      const newest = change({ percent: 60, message: "new" }, { hold: heldBy("a", 4) });
      const cursor = await writeJob(store, "a", newest);
      const before = await readJob(store, "a");
      assertEqual(await writeJob(store, "a", old), cursor, "the cursor of the late write");
      const { percent, message } = await readFields(store, "a");
      assertEqual([percent, message], [60, "new"], "the fields");
      assertEqual(await readJob(store, "a"), before, "the job");
    },
  },
  {
    name: "given a count that is lower than the newest and never arrived before, changes nothing",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      await store.write("a", change({ percent: 60 }, { hold: heldBy("a", 9) }));
      const before = await readJob(store, "a");
      const late = change({ percent: 40 }, { log: [line("late")], hold: heldBy("a", 8) });
      assertEqual(await writeJob(store, "a", late), before.cursor, "the cursor of the late write");
      assertEqual(await readJob(store, "a"), before, "the job");
      const next = await writeJob(store, "a", change({ percent: 70 }, { hold: heldBy("a", 10) }));
      assertEqual(versionOf(next), versionOf(before.cursor) + 1, "the version of the next write");
    },
  },
  {
    name: "given a count far above any number of 32 bits, compares it as a number",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const counts = [9, 10, 0x8000_0000, 0x1_0000_0001, 2 ** 52];
      for (const count of counts)
        await store.write("a", change({ percent: count % 97 }, { hold: heldBy("a", count) }));
      const before = await readJob(store, "a");
      assertEqual(versionOf(before.cursor), 2 + counts.length, "the version");
      for (const count of counts)
        await store.write("a", change({ percent: -1 }, { hold: heldBy("a", count) }));
      assertEqual(await readJob(store, "a"), before, "the job");
    },
  },
  {
    name: "given one write that is sent ten times at once, applies it once",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const { cursor } = await readJob(store, "a");
      const write = change({ percent: 40 }, { log: [line("one")], hold: heldBy("a", 2) });
      const cursors = await Promise.all(range(10).map(() => writeJob(store, "a", write)));
      const after = await readJob(store, "a");
      assertEqual(versionOf(after.cursor), versionOf(cursor) + 1, "the version");
      assertEqual(
        cursors,
        cursors.map(() => after.cursor),
        "the cursors of the ten writes",
      );
      assertEqual(after.log.length, 1, "the number of lines");
    },
  },
  {
    name: "given the opening again, changes nothing, before its worker's next write and after",
    async run({ open }) {
      const store = await open();
      const since = await createLeasedJob(store, "a");
      const { cursor } = await readJob(store, "a");
      const again = change(
        { status: "running", message: "again" },
        {
          leaseMs: 100 * LONG_MS,
          hold: { ...heldBy("a", 1), opens: { seen: cursor, takeOver: true } },
        },
      );
      assertEqual(await writeJob(store, "a", again), cursor, "the cursor of the opening");
      const next = await writeJob(store, "a", change({ percent: 1 }, { hold: heldBy("a", 2) }));
      assertEqual(await writeJob(store, "a", again), next, "its cursor after the next write");
      assertEqual((await readFields(store, "a")).message, undefined, "the message");
      assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
    },
  },
  {
    name: "given a repeated write with a lease, neither renews the lease nor clears the mark",
    async run({ open }) {
      const store = await open();
      const since = await createLeasedJob(store, "a");
      const write = change({ message: "one" }, { leaseMs: LONG_MS, hold: heldBy("a", 2) });
      await store.write("a", write);
      await store.write("a", { ...write, leaseMs: 100 * LONG_MS });
      await store.write("a", renewal(100 * LONG_MS, heldBy("a", 2)));
      assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
      await store.write("a", write);
      assertEqual((await readFields(store, "a")).stale, true, "the mark");
    },
  },
  {
    name: "given a repeated write after its worker gave up the lease, does not take the lease again",
    async run({ open }) {
      const store = await open();
      const since = await createLeasedJob(store, "a");
      const write = change({ message: "one" }, { leaseMs: LONG_MS, hold: heldBy("a", 2) });
      await store.write("a", write);
      await store.write("a", renewal(0, heldBy("a", 3)));
      await store.write("a", write);
      assertEqual(await store.sweep(since + STALE_MS, 10), NOTHING_SWEPT, "the sweep's report");
    },
  },
  {
    name: "given a repeated renewal that was invisible, gives the lease up once and not again",
    async run({ open }) {
      const store = await open();
      const since = await createLeasedJob(store, "a");
      await store.write("a", renewal(0, heldBy("a", 2)));
      await store.write("a", renewal(LONG_MS, heldBy("a", 3)));
      await store.write("a", renewal(0, heldBy("a", 2)));
      assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
    },
  },
  {
    name: "given a repeated write, does not count it as a write of an idle job",
    needs: "injected clock",
    async run({ open, clock }) {
      const store = await open({ idleTtlMs: 2 * LONG_MS });
      const since = await createLeasedJob(store, "a");
      await store.write("a", renewal(0, heldBy("a", 2)));
      clock.advance(LONG_MS);
      await store.write("a", renewal(0, heldBy("a", 2)));
      assertEqual((await store.sweep(since + 2 * LONG_MS, 10)).expired, 1, "expired jobs");
    },
  },
  {
    name: "given the end again, returns its cursor, and refuses a write with a higher count",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const write = change({ percent: 40 }, { hold: heldBy("a", 2) });
      await store.write("a", write);
      const end = { ...completion({ url: "/v.mp4" }), hold: heldBy("a", 3) };
      const cursor = await writeJob(store, "a", end);
      const before = await readJob(store, "a");
      for (const late of [end, write, renewal(LONG_MS, heldBy("a", 1))])
        assertEqual(await writeJob(store, "a", late), cursor, "the cursor of a repeated write");
      await assertRejects(
        store.write("a", change({ percent: 50 }, { hold: heldBy("a", 4) })),
        "job-finished",
        "A later write after the end",
      );
      assertEqual(await readJob(store, "a"), before, "the job");
    },
  },
  {
    name: "given a repeated write of a job that a sweep ended, returns the cursor of that end",
    async run({ open }) {
      const store = await open();
      const since = await createLeasedJob(store, "a", { deadlineMs: LONG_MS });
      const write = change({ percent: 40 }, { hold: heldBy("a", 2) });
      await store.write("a", write);
      await store.sweep(since + STALE_MS, 10);
      const before = await readJob(store, "a");
      assertEqual(before.set.status, "timed-out", "the status");
      assertEqual(await writeJob(store, "a", write), before.cursor, "the returned cursor");
      assertEqual(await readJob(store, "a"), before, "the job");
    },
  },
];
