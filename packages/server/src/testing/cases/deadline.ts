import { assertEqual, assertRejects } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  LONG_MS,
  lastWriteAt,
  NOTHING_SWEPT,
  readFields,
  readJob,
  renewal,
  SLACK_MS,
} from "../fixtures.js";

const PASSED_MS = LONG_MS + SLACK_MS;

export const DEADLINE: CaseGroup = {
  group: "deadline",
  cases: [
    {
      name: "given a deadline that has not passed, the sweep does not change the job",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: LONG_MS }));
        const before = await readJob(store, "a");
        assertEqual(
          await store.sweep((await lastWriteAt(store, "a")) + LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a deadline that passed, the sweep ends the job as timed-out and wakes its watchers",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: LONG_MS }));
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        const now = (await lastWriteAt(store, "a")) + PASSED_MS;
        assertEqual(
          await store.sweep(now, 10),
          { ...NOTHING_SWEPT, timedOut: 1 },
          "the sweep's report",
        );
        await wakeAfter(0);
        const { status, finishedAt, error } = await readFields(store, "a");
        assertEqual(
          [status, Number.isSafeInteger(finishedAt)],
          ["timed-out", true],
          "status and finishedAt",
        );
        assertEqual(
          (error as { code?: unknown } | null)?.code,
          "job-timed-out",
          "the code of its error",
        );
        await assertRejects(
          store.write("a", change({ message: "late" })),
          "job-finished",
          "A write after the deadline",
        );
      },
    },
    {
      name: "given a worker that renews its lease, keeps the deadline",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a", { deadlineMs: LONG_MS });
        await store.write("a", renewal(100 * LONG_MS));
        await store.write("a", change({ message: "one" }, { leaseMs: 100 * LONG_MS }));
        assertEqual(
          await store.sweep(since + PASSED_MS, 10),
          { ...NOTHING_SWEPT, timedOut: 1 },
          "the sweep's report",
        );
      },
    },
    {
      name: "given a job that ended before its deadline, does not change its end",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: LONG_MS }));
        await store.write("a", completion());
        const now = (await lastWriteAt(store, "a")) + PASSED_MS;
        assertEqual(await store.sweep(now, 10), NOTHING_SWEPT, "the sweep's report");
        assertEqual((await readFields(store, "a")).status, "completed", "the status");
      },
    },
    {
      name: "given no deadline, never ends the job as timed-out",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", renewal(1000 * LONG_MS));
        assertEqual(
          await store.sweep(since + 900 * LONG_MS, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
      },
    },
  ],
};
