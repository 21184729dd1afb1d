import { assertEqual, assertRejects } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  createLeasedJob,
  draft,
  heldBy,
  LONG_MS,
  opening,
  outcomesOf,
  range,
  readFields,
  readJob,
  renewal,
  STALE_MS,
} from "../fixtures.js";

export const ATTEMPT: CaseGroup = {
  group: "attempt",
  cases: [
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
        await assertRejects(
          store.write("a", change({ attempt: 9 })),
          "attempt-superseded",
          "Beginning attempt 9 of 10",
        );
        assertEqual((await readFields(store, "a")).attempt, 10, "the attempt");
      },
    },
    {
      name: "given a refused attempt with a lease, does not renew the lease",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        const { cursor } = await readJob(store, "a");
        const late = { leaseMs: 100 * LONG_MS, hold: opening("late worker", cursor, true) };
        await assertRejects(
          store.write("a", change({ attempt: 1 }, late)),
          "attempt-superseded",
          "Beginning attempt 1 of 1",
        );
        assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
      },
    },
    {
      name: "given an attempt that was begun, accepts the writes of its worker and refuses the earlier one's",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        const { cursor } = await readJob(store, "a");
        const hold = opening("second", cursor);
        await store.write("a", change({ attempt: 2, percent: null }, { leaseMs: LONG_MS, hold }));
        await store.write("a", change({ percent: 1 }, { hold: { token: "second", count: 2 } }));
        for (const late of [
          change({ percent: 90 }, { hold: heldBy("a", 2) }),
          renewal(1, heldBy("a", 3)),
        ])
          await assertRejects(store.write("a", late), "hold-lost", "A write of the earlier worker");
        const { attempt, percent } = await readFields(store, "a");
        assertEqual([attempt, percent], [2, 1], "the fields");
      },
    },
    {
      name: "given twenty workers that begin the next attempt at the same time, accepts one",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        const { cursor } = await readJob(store, "a");
        const begin = range(20).map(async (by) => {
          const hold = opening(`worker ${by}`, cursor, by % 2 === 0);
          await store.write("a", change({ attempt: 2, message: `worker ${by}` }, { hold }));
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
  ],
};
