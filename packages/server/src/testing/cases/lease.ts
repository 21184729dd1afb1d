import { assertEqual, assertRejects } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  heldBy,
  LONG_MS,
  LOST_MS,
  lastWriteAt,
  line,
  NOTHING_SWEPT,
  readFields,
  readJob,
  renewal,
  SLACK_MS,
  STALE_MS,
  versionOf,
  writeJob,
} from "../fixtures.js";

const YEAR_MS = 365 * 86_400_000;

export const LEASE: CaseGroup = {
  group: "lease",
  cases: [
    {
      name: "given a valid lease, the sweep does not change the job",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        const before = await readJob(store, "a");
        assertEqual(
          await store.sweep(since + LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a lease that ran out, the sweep marks the job stale, in a new version, and wakes its watchers",
      async run({ open, waker }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        const { cursor } = await readJob(store, "a");
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        assertEqual(
          await store.sweep(since + STALE_MS, 10),
          { ...NOTHING_SWEPT, stale: 1 },
          "the sweep's report",
        );
        await wakeAfter(0);
        const delta = await readJob(store, "a", cursor);
        assertEqual(
          [versionOf(delta.cursor), delta.set.stale, Object.keys(delta.set).sort()],
          [versionOf(cursor) + 1, true, ["stale", "updatedAt"]],
          "the delta",
        );
      },
    },
    {
      name: "given a stale job, a second sweep does not change it until a whole lease has passed",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.sweep(since + STALE_MS, 10);
        const before = await readJob(store, "a");
        assertEqual(
          await store.sweep(since + 2 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the second sweep's report",
        );
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a stale job, a renewal alone clears the mark",
      async run({ open, waker }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.sweep(since + STALE_MS, 10);
        const { cursor } = await readJob(store, "a");
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        const renewed = await writeJob(store, "a", renewal(10 * LONG_MS));
        assertEqual(versionOf(renewed), versionOf(cursor) + 1, "the version of the renewal");
        await wakeAfter(0);
        assertEqual((await readJob(store, "a", cursor)).set.stale, false, "the mark");
        assertEqual(
          await store.sweep(since + LOST_MS, 10),
          NOTHING_SWEPT,
          "the report of a later sweep",
        );
      },
    },
    {
      name: "given a job that was stale for a whole lease, the sweep ends it as lost",
      async run({ open, waker }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.sweep(since + STALE_MS, 10);
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        assertEqual(
          await store.sweep(since + LOST_MS, 10),
          { ...NOTHING_SWEPT, lost: 1 },
          "the sweep's report",
        );
        await wakeAfter(0);
        await assertLost(store);
      },
    },
    {
      name: "given a job that was not swept for a year, marks it stale, and ends it as lost only a whole lease later",
      async run({ open }) {
        const store = await open();
        const now = (await createLeasedJob(store, "a")) + YEAR_MS;
        const reports = [];
        for (const ms of [0, 0, LONG_MS - SLACK_MS, LONG_MS + SLACK_MS])
          reports.push(await store.sweep(now + ms, 10));
        assertEqual(
          reports,
          [
            { ...NOTHING_SWEPT, stale: 1 },
            NOTHING_SWEPT,
            NOTHING_SWEPT,
            { ...NOTHING_SWEPT, lost: 1 },
          ],
          "the reports of four sweeps",
        );
        await assertLost(store);
      },
    },
    {
      name: "given a job that was marked stale late, a renewal within a lease of the mark rescues it",
      async run({ open }) {
        const store = await open();
        const now = (await createLeasedJob(store, "a")) + YEAR_MS;
        assertEqual((await store.sweep(now, 10)).stale, 1, "jobs marked stale");
        await store.write("a", renewal(2 * YEAR_MS, heldBy("a", 2)));
        assertEqual(
          await store.sweep(now + LONG_MS + SLACK_MS, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
        assertEqual((await readFields(store, "a")).stale, false, "the mark");
      },
    },
    {
      name: "given a job that was marked late and renewed, marks it again before it ends it as lost",
      async run({ open }) {
        const store = await open();
        const now = (await createLeasedJob(store, "a")) + YEAR_MS;
        await store.sweep(now, 10);
        await store.write("a", renewal(LONG_MS, heldBy("a", 2)));
        const first = await store.sweep(now + YEAR_MS, 10);
        assertEqual(first, { ...NOTHING_SWEPT, stale: 1 }, "the sweep after the renewal");
        const second = await store.sweep(now + YEAR_MS + LONG_MS + SLACK_MS, 10);
        assertEqual(second, { ...NOTHING_SWEPT, lost: 1 }, "the sweep a lease later");
      },
    },
    {
      name: "given a stale job that is leased for longer, ends it as lost a whole new lease after the next mark",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", renewal(3 * LONG_MS, heldBy("a", 2)));
        const now = since + 3 * LONG_MS + SLACK_MS;
        const reports = [];
        for (const leases of [0, 1, 2.9, 3.1])
          reports.push(await store.sweep(now + leases * LONG_MS, 10));
        assertEqual(
          reports.map(({ stale, lost }) => [stale, lost]),
          [
            [1, 0],
            [0, 0],
            [0, 0],
            [0, 1],
          ],
          "stale and lost jobs of four sweeps",
        );
      },
    },
    {
      name: "given a lease, marks the job exactly at its end and ends it exactly one lease later",
      needs: "injected clock",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        const reports = [];
        for (const ms of [LONG_MS - 1, LONG_MS, 2 * LONG_MS - 1, 2 * LONG_MS])
          reports.push(await store.sweep(since + ms, 10));
        const [stale, lost] = [
          { ...NOTHING_SWEPT, stale: 1 },
          { ...NOTHING_SWEPT, lost: 1 },
        ];
        assertEqual(
          reports,
          [NOTHING_SWEPT, stale, NOTHING_SWEPT, lost],
          "the reports of four sweeps",
        );
        assertEqual((await readFields(store, "a")).finishedAt, since + 2 * LONG_MS, "finishedAt");
      },
    },
    {
      name: "given several renewals, the last one counts, whether it is longer or shorter",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "longer");
        await createLeasedJob(store, "shorter");
        await store.write("longer", renewal(100 * LONG_MS));
        await store.write("shorter", renewal(100 * LONG_MS));
        await store.write("shorter", renewal(LONG_MS));
        assertEqual(
          await store.sweep(since + STALE_MS, 10),
          { ...NOTHING_SWEPT, stale: 1 },
          "the sweep's report",
        );
        assertEqual(
          (await readFields(store, "shorter")).stale,
          true,
          "the mark of the job with the shorter lease",
        );
      },
    },
    {
      name: "given a later renewal, counts the lease from then",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        clock.advance(LONG_MS / 2);
        await store.write("a", renewal(LONG_MS));
        assertEqual(
          await store.sweep(since + 1.5 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before the end of the lease",
        );
        assertEqual(
          (await store.sweep(since + 1.5 * LONG_MS, 10)).stale,
          1,
          "jobs marked at the end of the lease",
        );
      },
    },
    {
      name: "given a renewal, raises no version",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        const before = await readJob(store, "a");
        assertEqual(
          await writeJob(store, "a", renewal(LONG_MS)),
          before.cursor,
          "the returned cursor",
        );
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a change with leaseMs, renews the lease",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", change({}, { log: [line("one")], leaseMs: 100 * LONG_MS }));
        assertEqual(await store.sweep(since + LOST_MS, 10), NOTHING_SWEPT, "the sweep's report");
      },
    },
    {
      name: "given a write without leaseMs, neither renews the lease nor clears the mark",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", change({ cancelRequested: true }));
        assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked");
        await store.write("a", change({ message: "asked to stop" }));
        assertEqual(
          (await readFields(store, "a")).stale,
          true,
          "the mark after a write without leaseMs",
        );
        assertEqual((await store.sweep(since + LOST_MS, 10)).lost, 1, "lost jobs");
      },
    },
    {
      name: "given a lease that was given up, the sweep does not change the job until it is leased again",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        const { cursor } = await readJob(store, "a");
        assertEqual(
          await writeJob(store, "a", renewal(0)),
          cursor,
          "the cursor returned on giving up",
        );
        assertEqual(await store.sweep(since + LOST_MS, 10), NOTHING_SWEPT, "the sweep's report");
        await store.write("a", renewal(LONG_MS));
        assertEqual(
          (await store.sweep(since + LOST_MS, 10)).stale,
          1,
          "jobs marked stale after the new lease",
        );
      },
    },
    {
      name: "given the end, gives up the lease",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", { ...completion(), leaseMs: LONG_MS });
        const before = await readJob(store, "a");
        assertEqual(await store.sweep(since + LOST_MS, 10), NOTHING_SWEPT, "the sweep's report");
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a job without a lease, the sweep does not change it",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        assertEqual(
          await store.sweep((await lastWriteAt(store, "a")) + LOST_MS, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
      },
    },
  ],
};

async function assertLost(store: Parameters<typeof readJob>[0]): Promise<void> {
  const { status, stale, finishedAt, error } = await readFields(store, "a");
  assertEqual(
    [status, stale, Number.isSafeInteger(finishedAt)],
    ["lost", false, true],
    "status, stale and finishedAt of a lost job",
  );
  assertEqual((error as { code?: unknown } | null)?.code, "job-lost", "the code of its error");
  await assertRejects(
    store.write("a", change({ message: "late" })),
    "job-finished",
    "A write to a lost job",
  );
}
