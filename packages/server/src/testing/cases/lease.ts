import { refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  LONG_MS,
  leasedJob,
  line,
  NOTHING_SWEPT,
  readJob,
  renewal,
  SLACK_MS,
  versionOf,
  writtenAt,
} from "../given.js";

const STALE_MS = LONG_MS + SLACK_MS;
const LOST_MS = 2 * LONG_MS + SLACK_MS;

export const LEASE: CaseGroup = {
  group: "lease",
  cases: [
    {
      name: "given a lease that holds, the sweep leaves the job alone",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        const before = await readJob(store, "a");
        same(await store.sweep(since + LONG_MS - 1, 10), NOTHING_SWEPT, "the sweep's report");
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a lease that ran out, the sweep marks the job stale, as a version that wakes",
      async run({ open, waker }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        const { cursor } = await readJob(store, "a");
        const { wake, past } = waker();
        await store.watch("a", wake);
        same(
          await store.sweep(since + STALE_MS, 10),
          { ...NOTHING_SWEPT, stale: 1 },
          "the sweep's report",
        );
        await past(0);
        const delta = await readJob(store, "a", cursor);
        same(
          [versionOf(delta.cursor), delta.set.stale, Object.keys(delta.set).sort()],
          [versionOf(cursor) + 1, true, ["stale", "updatedAt"]],
          "the delta",
        );
      },
    },
    {
      name: "given a stale job, a second sweep leaves it stale until a whole lease has passed",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.sweep(since + STALE_MS, 10);
        const before = await readJob(store, "a");
        same(
          await store.sweep(since + 2 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the second sweep's report",
        );
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a stale job whose worker renews, clears the mark, and a renewal alone is enough",
      async run({ open, waker }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.sweep(since + STALE_MS, 10);
        const { cursor } = await readJob(store, "a");
        const { wake, past } = waker();
        await store.watch("a", wake);
        const told = await store.write("a", renewal(10 * LONG_MS));
        same(versionOf(told), versionOf(cursor) + 1, "the version of the renewal");
        await past(0);
        same((await readJob(store, "a", cursor)).set.stale, false, "the mark");
        same(
          await store.sweep(since + LOST_MS, 10),
          NOTHING_SWEPT,
          "the report of a sweep after it",
        );
      },
    },
    {
      name: "given a job that is stale for a whole lease, the sweep ends it as lost",
      async run({ open, waker }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.sweep(since + STALE_MS, 10);
        const { wake, past } = waker();
        await store.watch("a", wake);
        same(
          await store.sweep(since + LOST_MS, 10),
          { ...NOTHING_SWEPT, lost: 1 },
          "the sweep's report",
        );
        await past(0);
        await assertLost(store);
      },
    },
    {
      name: "given a job that nobody swept for two leases, the sweep ends it as lost at once",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        const { lost, more } = await store.sweep(since + LOST_MS, 10);
        same([lost, more], [1, false], "the sweep's report");
        await assertLost(store);
      },
    },
    {
      name: "given the very moments of a lease, marks at its end and ends one lease later",
      needs: "injected clock",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        const reports = [];
        for (const ms of [LONG_MS - 1, LONG_MS, 2 * LONG_MS - 1, 2 * LONG_MS])
          reports.push(await store.sweep(since + ms, 10));
        const [stale, lost] = [
          { ...NOTHING_SWEPT, stale: 1 },
          { ...NOTHING_SWEPT, lost: 1 },
        ];
        same(reports, [NOTHING_SWEPT, stale, NOTHING_SWEPT, lost], "the reports of four sweeps");
        same((await fieldsIn(store, "a")).finishedAt, since + 2 * LONG_MS, "finishedAt");
      },
    },
    {
      name: "given renewals, the last one counts, be it longer or shorter",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "longer");
        await leasedJob(store, "shorter");
        await store.write("longer", renewal(100 * LONG_MS));
        await store.write("shorter", renewal(100 * LONG_MS));
        await store.write("shorter", renewal(LONG_MS));
        same(
          await store.sweep(since + STALE_MS, 10),
          { ...NOTHING_SWEPT, stale: 1 },
          "the sweep's report",
        );
        same(
          (await fieldsIn(store, "shorter")).stale,
          true,
          "the mark of the job with the shorter lease",
        );
      },
    },
    {
      name: "given a renewal later on, counts from then",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        clock.advance(LONG_MS / 2);
        await store.write("a", renewal(LONG_MS));
        same(
          await store.sweep(since + 1.5 * LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before the end",
        );
        same((await store.sweep(since + 1.5 * LONG_MS, 10)).stale, 1, "jobs marked at the end");
      },
    },
    {
      name: "given a renewal, raises no version",
      async run({ open }) {
        const store = await open();
        await leasedJob(store, "a");
        const before = await readJob(store, "a");
        same(await store.write("a", renewal(LONG_MS)), before.cursor, "the cursor told");
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a change with a lease, renews with it",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.write("a", change({}, { log: [line("one")], leaseMs: 100 * LONG_MS }));
        same(await store.sweep(since + LOST_MS, 10), NOTHING_SWEPT, "the sweep's report");
      },
    },
    {
      name: "given a write without a lease, neither renews it nor clears the mark",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.write("a", change({ cancelRequested: true }));
        same((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked");
        await store.write("a", change({ message: "asked to stop" }));
        same((await fieldsIn(store, "a")).stale, true, "the mark after another's write");
        same((await store.sweep(since + LOST_MS, 10)).lost, 1, "jobs lost");
      },
    },
    {
      name: "given a lease that was given up, is neither stale nor lost, and can be leased again",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        const { cursor } = await readJob(store, "a");
        same(await store.write("a", renewal(0)), cursor, "the cursor told on giving up");
        same(await store.sweep(since + LOST_MS, 10), NOTHING_SWEPT, "the sweep's report");
        await store.write("a", renewal(LONG_MS));
        same((await store.sweep(since + LOST_MS, 10)).lost, 1, "jobs lost once leased again");
      },
    },
    {
      name: "given the end, gives up the lease with it",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.write("a", { ...completion(), leaseMs: LONG_MS });
        const before = await readJob(store, "a");
        same(await store.sweep(since + LOST_MS, 10), NOTHING_SWEPT, "the sweep's report");
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a job that nobody leased, the sweep leaves it in the queue",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        same(
          await store.sweep((await writtenAt(store, "a")) + LOST_MS, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
      },
    },
  ],
};

async function assertLost(store: Parameters<typeof readJob>[0]): Promise<void> {
  const { status, stale, finishedAt, error } = await fieldsIn(store, "a");
  same(
    [status, stale, Number.isSafeInteger(finishedAt)],
    ["lost", false, true],
    "status, stale and finishedAt of a lost job",
  );
  same((error as { code?: unknown } | null)?.code, "job-lost", "the code of its error");
  await refused(
    store.write("a", change({ message: "late" })),
    "job-finished",
    "A write to a lost job",
  );
}
