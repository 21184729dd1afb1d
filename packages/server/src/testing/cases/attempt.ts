import { assertEqual, assertRejects } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  LONG_MS,
  line,
  outcomesOf,
  range,
  readFields,
  readJob,
  renewal,
  SLACK_MS,
} from "../fixtures.js";

export const ATTEMPT: CaseGroup = {
  group: "attempt",
  cases: [
    {
      name: "given the next attempt, refuses writes of the earlier one and changes nothing",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ status: "running" }, { attempt: 1 }));
        await store.write("a", change({ attempt: 2 }, { attempt: 1 }));
        const before = await readJob(store, "a");
        const late = [
          change({ message: "late" }, { attempt: 1 }),
          change({}, { attempt: 1, log: [line("late")] }),
          { ...completion(), attempt: 1 },
          renewal(1000, 1),
        ];
        for (const each of late)
          await assertRejects(
            store.write("a", each),
            "attempt-superseded",
            "A write of the earlier attempt",
          );
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given the next attempt, a renewal by the earlier worker does not renew the lease",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", change({ attempt: 2 }, { attempt: 1 }));
        await assertRejects(
          store.write("a", renewal(100 * LONG_MS, 1)),
          "attempt-superseded",
          "The earlier worker's renewal",
        );
        assertEqual(
          (await store.sweep(since + LONG_MS + SLACK_MS, 10)).stale,
          1,
          "jobs marked stale",
        );
      },
    },
    {
      name: "given a write of the current attempt, or of none, accepts it",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ attempt: 2, percent: null }, { attempt: 2 }));
        await store.write("a", change({ percent: 1 }, { attempt: 2 }));
        await store.write("a", change({ cancelRequested: true }));
        const { attempt, percent, cancelRequested } = await readFields(store, "a");
        assertEqual([attempt, percent, cancelRequested], [2, 1, true], "the fields");
      },
    },
    {
      name: "given twenty workers that begin the next attempt at the same time, accepts one",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const begin = range(20).map(async (by) => {
          await store.write(
            "a",
            change({ attempt: 2, message: `worker ${by}` }, { attempt: by % 2 === 0 ? 1 : 2 }),
          );
          return `worker ${by}`;
        });
        const { fulfilled, rejected } = await outcomesOf(begin);
        assertEqual([fulfilled.length, rejected.length], [1, 19], "workers accepted and refused");
        for (const reason of rejected)
          await assertRejects(Promise.reject(reason), "attempt-superseded", "A second worker");
        assertEqual(
          (await readFields(store, "a")).message,
          fulfilled[0],
          "the worker that was accepted",
        );
      },
    },
    {
      name: "given an attempt that is not above the job's, refuses to begin it",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { set: { kind: "video", status: "queued", attempt: 3 } }));
        const before = await readJob(store, "a");
        for (const attempt of [1, 2, 3])
          await assertRejects(
            store.write("a", change({ attempt })),
            "attempt-superseded",
            `Beginning attempt ${attempt} of 3`,
          );
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given ten attempts, compares them as numbers",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        for (const by of range(9)) await store.write("a", change({ attempt: by + 2 }));
        await store.write("a", change({ percent: 1 }, { attempt: 10 }));
        await assertRejects(
          store.write("a", change({ percent: 2 }, { attempt: 9 })),
          "attempt-superseded",
          "A write of attempt 9 of 10",
        );
        assertEqual((await readFields(store, "a")).attempt, 10, "the attempt");
      },
    },
  ],
};
