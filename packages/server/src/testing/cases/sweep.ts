import type { SweepReport, SweptEnd } from "../../core/store.js";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  completion,
  createLeasedJob,
  draft,
  LONG_MS,
  LOST_MS,
  NOTHING_SWEPT,
  outcomesOf,
  range,
  readFields,
  readJob,
  renewal,
  SLACK_MS,
  STALE_MS,
  versionOf,
} from "../fixtures.js";

/** The number of jobs in a report. */
export function sweptJobs({ stale, lost, timedOut, expired }: SweepReport): number {
  return stale + lost + timedOut + expired;
}

export const SWEEP: CaseGroup = {
  group: "sweep",
  cases: [
    {
      name: "given a store without jobs, does nothing",
      async run({ open, clock }) {
        const store = await open();
        assertEqual(await store.sweep(clock.now(), 10), NOTHING_SWEPT, "the sweep's report");
      },
    },
    {
      name: "given a sweep, a second one with the same time does nothing",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.create(draft("b", { deadlineMs: LONG_MS }));
        assertEqual(
          sweptJobs(await store.sweep(since + LOST_MS, 10)),
          2,
          "jobs in the first sweep",
        );
        const before = [await readJob(store, "a"), await readJob(store, "b")];
        assertEqual(
          await store.sweep(since + LOST_MS, 10),
          NOTHING_SWEPT,
          "the second sweep's report",
        );
        assertEqual(
          [await readJob(store, "a"), await readJob(store, "b")],
          before,
          "the jobs after it",
        );
      },
    },
    {
      name: "given a limit, changes at most that many jobs and reports that more are due",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "job-0");
        for (const by of range(9)) await createLeasedJob(store, `job-${by + 1}`);
        await store.sweep(since + STALE_MS, 100);
        const reports: SweepReport[] = [];
        do {
          reports.push(await store.sweep(since + LOST_MS, 3));
          assertTrue(
            sweptJobs(reports.at(-1) ?? NOTHING_SWEPT) <= 3,
            "A sweep with a limit of 3 changed more jobs.",
          );
          assertTrue(
            reports.length <= 10,
            "Sweeps report that more jobs are due, but change none.",
          );
        } while (reports.at(-1)?.more);
        assertEqual(reports[0], { ...NOTHING_SWEPT, lost: 3, more: true }, "the first report");
        assertEqual(
          reports.reduce((sum, { lost }) => sum + lost, 0),
          10,
          "lost jobs in all reports",
        );
      },
    },
    {
      name: "given concurrent sweeps, ends each job once",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "job-0");
        for (const by of range(19)) await createLeasedJob(store, `job-${by + 1}`);
        await store.sweep(since + STALE_MS, 100);
        const before = await readJob(store, "job-7");
        const reports = await Promise.all(range(4).map(() => store.sweep(since + LOST_MS, 100)));
        assertEqual(
          reports.reduce((sum, report) => sum + sweptJobs(report), 0),
          20,
          "jobs in all reports",
        );
        assertEqual(
          versionOf((await readJob(store, "job-7")).cursor),
          versionOf(before.cursor) + 1,
          "the version of a lost job",
        );
      },
    },
    {
      name: "given a worker that completes jobs during a sweep, keeps one end per job, and reports it to both",
      async run({ open }) {
        const store = await open();
        const ids = range(10).map((by) => `job-${by}`);
        const since = await createLeasedJob(store, "first");
        for (const id of ids) await createLeasedJob(store, id);
        await store.write("first", completion());
        await store.sweep(since + STALE_MS, 100);
        const sweep = store.sweep(since + LOST_MS, 100);
        const writes = ids.map(async (id) => {
          await store.write(id, completion());
          return id;
        });
        const [{ lost }, { fulfilled, rejected }] = await Promise.all([sweep, outcomesOf(writes)]);
        for (const reason of rejected)
          await assertRejects(Promise.reject(reason), "job-finished", "A write after the end");
        const statuses = await Promise.all(
          ids.map(async (id) => (await readFields(store, id)).status),
        );
        assertEqual(
          statuses.filter((status) => status === "completed").length,
          fulfilled.length,
          "completed jobs, compared with the accepted writes",
        );
        assertEqual(
          [statuses.filter((status) => status === "lost").length, fulfilled.length + lost],
          [lost, 10],
          "lost jobs, compared with the report of the sweep",
        );
      },
    },
    {
      name: "given no time, uses its own clock, and does not change a job that was just leased",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a", { deadlineMs: LONG_MS });
        const before = await readJob(store, "a");
        assertEqual(await store.sweep(undefined, 10), NOTHING_SWEPT, "the sweep's report");
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given no time, changes the jobs that are due by its own clock",
      async run({ open, eventually }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: 1 }));
        await store.create(draft("b"));
        let report = NOTHING_SWEPT;
        await eventually("The job whose deadline passed has ended", async () => {
          report = await store.sweep(undefined, 10);
          return sweptJobs(report) > 0;
        });
        assertEqual(
          report,
          { ...NOTHING_SWEPT, timedOut: 1 },
          "the report of the sweep that ended the job",
        );
        const { status, createdAt, finishedAt } = await readFields(store, "a");
        assertEqual(status, "timed-out", "the status");
        const tookMs = Number(finishedAt) - Number(createdAt);
        assertTrue(tookMs >= 1 && tookMs < SLACK_MS, `finishedAt is ${tookMs} ms after createdAt.`);
      },
    },
    {
      name: "given no time, uses the injected clock, exact to the millisecond",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        await createLeasedJob(store, "a");
        const reports = [];
        for (const ms of [LONG_MS - 1, 1, LONG_MS - 1, 1]) {
          clock.advance(ms);
          reports.push(await store.sweep(undefined, 10));
        }
        const [stale, lost] = [
          { ...NOTHING_SWEPT, stale: 1 },
          { ...NOTHING_SWEPT, lost: 1 },
        ];
        assertEqual(
          reports,
          [NOTHING_SWEPT, stale, NOTHING_SWEPT, lost],
          "the reports of four sweeps",
        );
        const { finishedAt, updatedAt } = await readFields(store, "a");
        assertEqual(
          [finishedAt, updatedAt],
          [clock.now(), clock.now()],
          "finishedAt and updatedAt",
        );
      },
    },
    {
      name: "given onEnd, calls it once with each job that the sweep has ended, and with no other",
      async run({ open }) {
        const store = await open({ ttlMs: LONG_MS });
        const since = await createLeasedJob(store, "lost");
        const ended: SweptEnd[] = [];
        const onEnd = (end: SweptEnd): void => void ended.push(end);
        await store.sweep(since + STALE_MS, 10, onEnd);
        assertEqual(ended, [], "the ends of a sweep that only marked a job");
        await store.create(draft("late", { deadlineMs: LONG_MS }));
        await store.create(draft("expired"));
        await store.write("expired", completion());
        const at = since + LOST_MS + LONG_MS;
        await store.sweep(at, 10, onEnd);
        await store.sweep(at, 10, onEnd);
        assertEqual(
          ended.map(({ jobId, status }) => `${jobId} ${status}`).sort(),
          ["late timed-out", "lost lost"],
          "the ends",
        );
      },
    },
    {
      name: "given jobs with every transition, applies each",
      async run({ open }) {
        const store = await open({ ttlMs: LONG_MS, idleTtlMs: 1.5 * LONG_MS });
        const since = await createLeasedJob(store, "lost");
        assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked before");
        await createLeasedJob(store, "stale");
        await store.write("stale", renewal(1.8 * LONG_MS));
        await createLeasedJob(store, "alive");
        await store.write("alive", renewal(10 * LONG_MS));
        await createLeasedJob(store, "late", { deadlineMs: LONG_MS });
        await store.write("late", renewal(10 * LONG_MS));
        await store.create(draft("idle"));
        await store.create(draft("ended"));
        await store.write("ended", completion());
        const report = await store.sweep(since + LOST_MS, 100);
        assertEqual(
          report,
          { stale: 1, lost: 1, timedOut: 1, expired: 2, more: false },
          "the sweep's report",
        );
        const { status, stale } = await readFields(store, "stale");
        assertEqual([status, stale], ["running", true], "the stale job");
        assertEqual(
          (await readFields(store, "alive")).stale ?? false,
          false,
          "the mark of the job with a valid lease",
        );
      },
    },
  ],
};
