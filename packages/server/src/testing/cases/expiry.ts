import type { ProgressStore } from "../../core/store.js";
import { holds, refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  isGone,
  LONG_MS,
  leasedJob,
  NOTHING_SWEPT,
  parts,
  readJob,
  renewal,
  SLACK_MS,
  writtenAt,
} from "../given.js";

const TTLS = { ttlMs: LONG_MS, idleTtlMs: 3 * LONG_MS };
const EXPIRED = { ...NOTHING_SWEPT, expired: 1 };

async function endedJob(store: ProgressStore, id: string, key?: string): Promise<number> {
  await store.create(draft(id, { key }));
  await store.write(id, completion());
  return writtenAt(store, id);
}

export const EXPIRY: CaseGroup = {
  group: "expiry",
  cases: [
    {
      name: "given an ended job, keeps it for ttlMs and then removes it",
      async run({ open }) {
        const store = await open(TTLS);
        const since = await endedJob(store, "a");
        same(await store.sweep(since + LONG_MS - 1, 10), NOTHING_SWEPT, "the report before ttlMs");
        same((await readJob(store, "a")).set.status, "completed", "the status before ttlMs");
        same(await store.sweep(since + LONG_MS + SLACK_MS, 10), EXPIRED, "the report after ttlMs");
        holds(await isGone(store, "a"), "The job can still be read after its TTL.");
      },
    },
    {
      name: "given a job that hasn't ended, keeps it for idleTtlMs and then removes it",
      async run({ open }) {
        const store = await open(TTLS);
        await store.create(draft("a"));
        const since = await writtenAt(store, "a");
        same(
          await store.sweep(since + 3 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before idleTtlMs",
        );
        same((await readJob(store, "a")).set.status, "queued", "the status before idleTtlMs");
        same(
          await store.sweep(since + 3 * LONG_MS + SLACK_MS, 10),
          EXPIRED,
          "the report after idleTtlMs",
        );
        holds(await isGone(store, "a"), "The job can still be read after its idle TTL.");
      },
    },
    {
      name: "given a write, counts the idle time from it",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open(TTLS);
        await store.create(draft("a"));
        clock.advance(2 * LONG_MS);
        await store.write("a", change({ message: "one" }));
        const since = clock.now();
        same(
          await store.sweep(since + 3 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before idleTtlMs",
        );
        same(await store.sweep(since + 3 * LONG_MS, 10), EXPIRED, "the report at idleTtlMs");
      },
    },
    {
      name: "given a lease that holds, doesn't count the job as idle",
      async run({ open }) {
        const store = await open(TTLS);
        const since = await leasedJob(store, "a");
        await store.write("a", renewal(100 * LONG_MS));
        same(await store.sweep(since + 50 * LONG_MS, 10), NOTHING_SWEPT, "the sweep's report");
      },
    },
    {
      name: "given a lost job, keeps its end for ttlMs and then removes it",
      async run({ open }) {
        const store = await open(TTLS);
        const now = (await leasedJob(store, "a")) + 2 * LONG_MS + SLACK_MS;
        same((await store.sweep(now, 10)).lost, 1, "jobs lost");
        same(
          (await readJob(store, "a")).set.status,
          "lost",
          "the status, for readers who come now",
        );
        const later = await store.sweep(now + LONG_MS + SLACK_MS, 10);
        same(later, EXPIRED, "the report after ttlMs");
      },
    },
    {
      name: "given a watched job, wakes its watchers when it removes it",
      async run({ open, waker }) {
        const store = await open(TTLS);
        const since = await endedJob(store, "a");
        const { wake, past } = waker();
        await store.watch("a", wake);
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        await past(0);
      },
    },
    {
      name: "given a removed job, remembers that it was there",
      needs: "tombstones",
      async run({ open }) {
        const store = await open(TTLS);
        const { cursor } = await store.create(draft("a"));
        await store.write("a", completion());
        await store.sweep((await writtenAt(store, "a")) + LONG_MS + SLACK_MS, 10);
        await refused(store.read("a"), "job-expired", "A read of a removed job");
        await refused(
          store.read("a", cursor),
          "job-expired",
          "A read after a cursor of a removed job",
        );
        await refused(
          store.write("a", change({ message: "late" })),
          "job-expired",
          "A write to a removed job",
        );
        same(await store.read("b"), undefined, "a job that never was");
      },
    },
    {
      name: "given the key of a removed job, stores a new one",
      async run({ open }) {
        const store = await open(TTLS);
        const since = await endedJob(store, "a", "order 7");
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        const { jobId, created } = await store.create(draft("b", { key: "order 7" }));
        same([jobId, created], ["b", true], "what create() told");
        same((await readJob(store, "b")).set.status, "queued", "the new job's status");
      },
    },
    {
      name: "given the id of a removed job, begins a new epoch, and an old cursor starts over",
      async run({ open }) {
        const store = await open(TTLS);
        const old = await store.create(draft("a"));
        await store.write("a", change({ "metadata.old": true }));
        await store.write("a", completion());
        await store.sweep((await writtenAt(store, "a")) + LONG_MS + SLACK_MS, 10);
        const { cursor } = await store.create(draft("a"));
        holds(
          parts(cursor).epoch !== parts(old.cursor).epoch,
          "The new job has the old one's epoch.",
        );
        const snapshot = await readJob(store, "a");
        same(snapshot.set["metadata.old"], undefined, "what is left of the old job");
        same(
          await readJob(store, "a", old.cursor),
          snapshot,
          "what a reader of the old job is told",
        );
      },
    },
  ],
};
