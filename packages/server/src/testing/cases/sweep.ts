import type { SweepReport } from "../../core/store.js";
import { holds, refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  completion,
  draft,
  fieldsIn,
  LONG_MS,
  leasedJob,
  NOTHING_SWEPT,
  readJob,
  renewal,
  SLACK_MS,
  settle,
  upTo,
  versionOf,
} from "../given.js";

const LOST_MS = 2 * LONG_MS + SLACK_MS;

export function swept({ stale, lost, timedOut, expired }: SweepReport): number {
  return stale + lost + timedOut + expired;
}

export const SWEEP: CaseGroup = {
  group: "sweep",
  cases: [
    {
      name: "given a store without jobs, does nothing",
      async run({ open, clock }) {
        const store = await open();
        same(await store.sweep(clock.now(), 10), NOTHING_SWEPT, "the sweep's report");
      },
    },
    {
      name: "given a sweep that was done, a second one does nothing",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.create(draft("b", { deadlineMs: LONG_MS }));
        same(swept(await store.sweep(since + LOST_MS, 10)), 2, "jobs in the first sweep");
        const before = [await readJob(store, "a"), await readJob(store, "b")];
        same(await store.sweep(since + LOST_MS, 10), NOTHING_SWEPT, "the second sweep's report");
        same([await readJob(store, "a"), await readJob(store, "b")], before, "the jobs after it");
      },
    },
    {
      name: "given a limit, does so many jobs and says that there are more",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "job-0");
        for (const by of upTo(9)) await leasedJob(store, `job-${by + 1}`);
        const reports: SweepReport[] = [];
        do {
          reports.push(await store.sweep(since + LOST_MS, 3));
          holds(swept(reports.at(-1) ?? NOTHING_SWEPT) <= 3, "A sweep with a limit of 3 did more.");
          holds(
            reports.length <= 10,
            "A sweep says again and again that there is more, and does nothing.",
          );
        } while (reports.at(-1)?.more);
        same(reports[0], { ...NOTHING_SWEPT, lost: 3, more: true }, "the first report");
        same(
          reports.reduce((sum, { lost }) => sum + lost, 0),
          10,
          "jobs lost in all",
        );
      },
    },
    {
      name: "given two sweeps at once, ends each job once",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "job-0");
        for (const by of upTo(19)) await leasedJob(store, `job-${by + 1}`);
        const before = await readJob(store, "job-7");
        const reports = await Promise.all(upTo(4).map(() => store.sweep(since + LOST_MS, 100)));
        same(
          reports.reduce((sum, report) => sum + swept(report), 0),
          20,
          "jobs in all reports",
        );
        same(
          versionOf((await readJob(store, "job-7")).cursor),
          versionOf(before.cursor) + 1,
          "the version of a lost job",
        );
      },
    },
    {
      name: "given a worker that completes while the sweep runs, keeps one end, and both are told which",
      async run({ open }) {
        const store = await open();
        const ids = upTo(10).map((by) => `job-${by}`);
        const since = await leasedJob(store, "first");
        for (const id of ids) await leasedJob(store, id);
        await store.write("first", completion());
        const sweep = store.sweep(since + LOST_MS, 100);
        const writes = ids.map(async (id) => {
          await store.write(id, completion());
          return id;
        });
        const [{ lost }, { fulfilled, rejected }] = await Promise.all([sweep, settle(writes)]);
        for (const reason of rejected)
          await refused(Promise.reject(reason), "job-finished", "The write that came too late");
        const statuses = await Promise.all(
          ids.map(async (id) => (await fieldsIn(store, id)).status),
        );
        same(
          statuses.filter((status) => status === "completed").length,
          fulfilled.length,
          "jobs completed, against the writes taken",
        );
        same(
          [statuses.filter((status) => status === "lost").length, fulfilled.length + lost],
          [lost, 10],
          "jobs lost, against the sweep's report",
        );
      },
    },
    {
      name: "given no time, goes by its own, and leaves a lease alone that was just taken",
      async run({ open }) {
        const store = await open();
        await leasedJob(store, "a", { deadlineMs: LONG_MS });
        const before = await readJob(store, "a");
        same(await store.sweep(undefined, 10), NOTHING_SWEPT, "the sweep's report");
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given no time, does what is due by its own",
      async run({ open, eventually }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: 1 }));
        await store.create(draft("b"));
        let done = NOTHING_SWEPT;
        await eventually("A job whose deadline passed is ended", async () => {
          done = await store.sweep(undefined, 10);
          return swept(done) > 0;
        });
        same(done, { ...NOTHING_SWEPT, timedOut: 1 }, "the report of the sweep that did something");
        const { status, createdAt, finishedAt } = await fieldsIn(store, "a");
        same(status, "timed-out", "the status");
        const tookMs = Number(finishedAt) - Number(createdAt);
        holds(tookMs >= 1 && tookMs < SLACK_MS, `finishedAt is ${tookMs} ms after createdAt`);
      },
    },
    {
      name: "given no time, goes by the clock that it was given, to the millisecond",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        await leasedJob(store, "a");
        const reports = [];
        for (const ms of [LONG_MS - 1, 1, LONG_MS - 1, 1]) {
          clock.advance(ms);
          reports.push(await store.sweep(undefined, 10));
        }
        const [stale, lost] = [
          { ...NOTHING_SWEPT, stale: 1 },
          { ...NOTHING_SWEPT, lost: 1 },
        ];
        same(reports, [NOTHING_SWEPT, stale, NOTHING_SWEPT, lost], "the reports of four sweeps");
        const { finishedAt, updatedAt } = await fieldsIn(store, "a");
        same([finishedAt, updatedAt], [clock.now(), clock.now()], "finishedAt and updatedAt");
      },
    },
    {
      name: "given jobs of every sort, does to each what is due",
      async run({ open }) {
        const store = await open({ ttlMs: LONG_MS, idleTtlMs: 1.5 * LONG_MS });
        const since = await leasedJob(store, "lost");
        await leasedJob(store, "stale");
        await store.write("stale", renewal(1.8 * LONG_MS));
        await leasedJob(store, "alive");
        await store.write("alive", renewal(10 * LONG_MS));
        await leasedJob(store, "late", { deadlineMs: LONG_MS });
        await store.write("late", renewal(10 * LONG_MS));
        await store.create(draft("idle"));
        await store.create(draft("ended"));
        await store.write("ended", completion());
        const report = await store.sweep(since + LOST_MS, 100);
        same(
          report,
          { stale: 1, lost: 1, timedOut: 1, expired: 2, more: false },
          "the sweep's report",
        );
        const { status, stale } = await fieldsIn(store, "stale");
        same([status, stale], ["running", true], "the stale job");
        same(
          (await fieldsIn(store, "alive")).stale ?? false,
          false,
          "the mark of the job that is alive",
        );
      },
    },
  ],
};
