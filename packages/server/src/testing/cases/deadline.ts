import { refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  LONG_MS,
  leasedJob,
  NOTHING_SWEPT,
  readJob,
  renewal,
  SLACK_MS,
  writtenAt,
} from "../given.js";

const PASSED_MS = LONG_MS + SLACK_MS;

export const DEADLINE: CaseGroup = {
  group: "deadline",
  cases: [
    {
      name: "given a deadline that hasn't passed, the sweep leaves the job alone",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: LONG_MS }));
        const before = await readJob(store, "a");
        same(
          await store.sweep((await writtenAt(store, "a")) + LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the sweep's report",
        );
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given a deadline that passed, the sweep ends the job as timed-out and wakes",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: LONG_MS }));
        const { wake, past } = waker();
        await store.watch("a", wake);
        const now = (await writtenAt(store, "a")) + PASSED_MS;
        same(await store.sweep(now, 10), { ...NOTHING_SWEPT, timedOut: 1 }, "the sweep's report");
        await past(0);
        const { status, finishedAt, error } = await fieldsIn(store, "a");
        same(
          [status, Number.isSafeInteger(finishedAt)],
          ["timed-out", true],
          "status and finishedAt",
        );
        same((error as { code?: unknown } | null)?.code, "job-timed-out", "the code of its error");
        await refused(
          store.write("a", change({ message: "late" })),
          "job-finished",
          "A write after the deadline",
        );
      },
    },
    {
      name: "given a worker that goes on renewing, the deadline stands",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a", { deadlineMs: LONG_MS });
        await store.write("a", renewal(100 * LONG_MS));
        await store.write("a", change({ message: "one" }, { leaseMs: 100 * LONG_MS }));
        same(
          await store.sweep(since + PASSED_MS, 10),
          { ...NOTHING_SWEPT, timedOut: 1 },
          "the sweep's report",
        );
      },
    },
    {
      name: "given a job that ended before its deadline, leaves its end alone",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { deadlineMs: LONG_MS }));
        await store.write("a", completion());
        const now = (await writtenAt(store, "a")) + PASSED_MS;
        same(await store.sweep(now, 10), NOTHING_SWEPT, "the sweep's report");
        same((await fieldsIn(store, "a")).status, "completed", "the status");
      },
    },
    {
      name: "given no deadline, never times out",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.write("a", renewal(1000 * LONG_MS));
        same(await store.sweep(since + 900 * LONG_MS, 10), NOTHING_SWEPT, "the sweep's report");
      },
    },
  ],
};
