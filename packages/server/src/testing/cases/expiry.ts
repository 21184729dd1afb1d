import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  cursorParts,
  draft,
  isRemoved,
  LONG_MS,
  LOST_MS,
  lastWriteAt,
  NOTHING_SWEPT,
  readJob,
  renewal,
  SLACK_MS,
  sweepUntilLost,
} from "../fixtures.js";

const TTLS = { ttlMs: LONG_MS, idleTtlMs: 3 * LONG_MS };
const EXPIRED = { ...NOTHING_SWEPT, expired: 1 };

/** Returns the time of the end. */
async function createEndedJob(store: ProgressStore, id: string, key?: string): Promise<number> {
  await store.create(draft(id, { key }));
  await store.write(id, completion());
  return lastWriteAt(store, id);
}

export const EXPIRY: CaseGroup = {
  group: "expiry",
  cases: [
    {
      name: "given an ended job, keeps it for ttlMs, then removes it",
      async run({ open }) {
        const store = await open(TTLS);
        const since = await createEndedJob(store, "a");
        assertEqual(
          await store.sweep(since + LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before ttlMs",
        );
        assertEqual((await readJob(store, "a")).set.status, "completed", "the status before ttlMs");
        assertEqual(
          await store.sweep(since + LONG_MS + SLACK_MS, 10),
          EXPIRED,
          "the report after ttlMs",
        );
        assertTrue(await isRemoved(store, "a"), "The job can still be read after ttlMs.");
      },
    },
    {
      name: "given a job that has not ended, keeps it for idleTtlMs, then removes it",
      async run({ open }) {
        const store = await open(TTLS);
        await store.create(draft("a"));
        const since = await lastWriteAt(store, "a");
        assertEqual(
          await store.sweep(since + 3 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before idleTtlMs",
        );
        assertEqual(
          (await readJob(store, "a")).set.status,
          "queued",
          "the status before idleTtlMs",
        );
        assertEqual(
          await store.sweep(since + 3 * LONG_MS + SLACK_MS, 10),
          EXPIRED,
          "the report after idleTtlMs",
        );
        assertTrue(await isRemoved(store, "a"), "The job can still be read after idleTtlMs.");
      },
    },
    {
      name: "given a write, counts idleTtlMs from it",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open(TTLS);
        await store.create(draft("a"));
        clock.advance(2 * LONG_MS);
        await store.write("a", change({ message: "one" }));
        const since = clock.now();
        assertEqual(
          await store.sweep(since + 3 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before idleTtlMs",
        );
        assertEqual(await store.sweep(since + 3 * LONG_MS, 10), EXPIRED, "the report at idleTtlMs");
      },
    },
    {
      name: "given a valid lease, does not remove the job as idle",
      async run({ open }) {
        const store = await open(TTLS);
        const since = await createLeasedJob(store, "a");
        await store.write("a", renewal(100 * LONG_MS));
        assertEqual(
          await store.sweep(since + 50 * LONG_MS, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
      },
    },
    {
      name: "given a lost job, keeps it for ttlMs, then removes it",
      async run({ open }) {
        const store = await open(TTLS);
        const since = await createLeasedJob(store, "a");
        const now = since + LOST_MS;
        assertEqual((await sweepUntilLost(store, since)).lost, 1, "lost jobs");
        assertEqual((await readJob(store, "a")).set.status, "lost", "the status within ttlMs");
        const later = await store.sweep(now + LONG_MS + SLACK_MS, 10);
        assertEqual(later, EXPIRED, "the report after ttlMs");
      },
    },
    {
      name: "given a watched job, wakes its watchers when it is removed",
      async run({ open, waker }) {
        const store = await open(TTLS);
        const since = await createEndedJob(store, "a");
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        await wakeAfter(0);
      },
    },
    {
      name: "given a removed job, remembers its id",
      needs: "tombstones",
      async run({ open }) {
        const store = await open(TTLS);
        const { cursor } = await store.create(draft("a"));
        await store.write("a", completion());
        await store.sweep((await lastWriteAt(store, "a")) + LONG_MS + SLACK_MS, 10);
        await assertRejects(store.read("a"), "job-expired", "A read of a removed job");
        await assertRejects(
          store.read("a", cursor),
          "job-expired",
          "A read after a cursor of a removed job",
        );
        await assertRejects(
          store.write("a", change({ message: "late" })),
          "job-expired",
          "A write to a removed job",
        );
        assertEqual(await store.read("b"), undefined, "a job that never existed");
      },
    },
    {
      name: "given the key of a removed job, stores a new job",
      async run({ open }) {
        const store = await open(TTLS);
        const since = await createEndedJob(store, "a", "order 7");
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        const { jobId, created } = await store.create(draft("b", { key: "order 7" }));
        assertEqual([jobId, created], ["b", true], "the result of create()");
        assertEqual((await readJob(store, "b")).set.status, "queued", "the new job's status");
      },
    },
    {
      name: "given the id of a removed job, begins a new epoch, and an old cursor gets a reset",
      async run({ open }) {
        const store = await open(TTLS);
        const old = await store.create(draft("a"));
        await store.write("a", change({ "metadata.old": true }));
        await store.write("a", completion());
        await store.sweep((await lastWriteAt(store, "a")) + LONG_MS + SLACK_MS, 10);
        const { cursor } = await store.create(draft("a"));
        assertTrue(
          cursorParts(cursor).epoch !== cursorParts(old.cursor).epoch,
          "The new job has the epoch of the old one.",
        );
        const snapshot = await readJob(store, "a");
        assertEqual(snapshot.set["metadata.old"], undefined, "a field of the old job");
        assertEqual(
          await readJob(store, "a", old.cursor),
          snapshot,
          "the delta of a reader of the old job",
        );
      },
    },
  ],
};
