import type { Change } from "@emlinh/progress-protocol";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup, StoreCase } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  heldBy,
  LONG_MS,
  line,
  NOTHING_SWEPT,
  readFields,
  readJob,
  renewal,
  STALE_MS,
} from "../fixtures.js";
import { OPENINGS } from "./openings.js";
import { REPEATED } from "./repeated.js";

/** One write of each kind, by a worker that does not hold the job. */
const FOREIGN: readonly Change[] = [
  change({ message: "late" }, { hold: { token: "other", count: 1 } }),
  change({ percent: 1 }, { hold: { token: "other", count: 100 } }),
  change({}, { log: [line("late")], hold: { token: "other", count: 100 } }),
  renewal(100 * LONG_MS, { token: "other", count: 100 }),
  renewal(0, { token: "other", count: 100 }),
  { ...completion(), hold: { token: "other", count: 100 } },
];

const SUPERVISED: readonly StoreCase[] = [
  {
    name: "given a valid lease, refuses percent and steps from code that does not hold the job",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const before = await readJob(store, "a");
      const step = { status: "running", percent: 1 };
      for (const set of [
        { percent: 1 },
        { percent: null },
        { "steps.s": step },
        { message: "one", "steps.s": null },
      ])
        await assertRejects(store.write("a", change(set)), "job-held", "Progress without the hold");
      assertEqual(await readJob(store, "a"), before, "the job");
    },
  },
  {
    name: "given a valid lease, accepts every other write of code that does not hold the job",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const accepted: readonly Change[] = [
        change({ cancelRequested: true }),
        change({ message: "one", "metadata.percent": 1, step: "s" }),
        change({}, { log: [line("one")] }),
        renewal(LONG_MS),
      ];
      for (const each of accepted) await store.write("a", each);
      await store.write("a", change({ percent: 1 }, { hold: heldBy("a", 2) }));
      await store.write("a", change({ status: "cancelled" }));
      const { status, percent, cancelRequested } = await readFields(store, "a");
      assertEqual([status, percent, cancelRequested], ["cancelled", 1, true], "the fields");
    },
  },
  {
    name: "given no valid lease, accepts percent and steps from code that does not hold the job",
    async run({ open }) {
      const store = await open();
      await store.create(draft("never-held"));
      await store.write("never-held", change({ percent: 1, "steps.s": { status: "running" } }));
      await createLeasedJob(store, "given-up");
      await store.write("given-up", renewal(0, heldBy("given-up", 2)));
      await store.write("given-up", change({ percent: 2 }));
      await store.write("given-up", change({ percent: 3 }, { hold: heldBy("given-up", 3) }));
      assertEqual((await readFields(store, "given-up")).percent, 3, "the percent");
    },
  },
];

export const HOLD: CaseGroup = {
  group: "hold",
  cases: [
    ...REPEATED,
    {
      name: "given a write with another token than the job's, refuses it and changes nothing",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        const before = await readJob(store, "a");
        for (const each of FOREIGN)
          await assertRejects(store.write("a", each), "hold-lost", "A write of another worker");
        assertEqual(await readJob(store, "a"), before, "the job");
        assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
      },
    },
    {
      name: "given a job that nobody opened, refuses a write with a token",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const before = await readJob(store, "a");
        for (const each of FOREIGN)
          await assertRejects(store.write("a", each), "hold-lost", "A write without an opening");
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given tokens that differ in their case or their end only, keeps them apart",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        const { token } = heldBy("a", 2);
        for (const other of [token.toUpperCase(), `${token} `, `${token}x`, token.slice(0, -1), ""])
          await assertRejects(
            store.write("a", change({ percent: 1 }, { hold: { token: other, count: 2 } })),
            "hold-lost",
            `A write with the token ${JSON.stringify(other)}`,
          );
      },
    },
    {
      name: "given a lease that ran out or was given up, the worker that holds the job takes it again",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", renewal(0, heldBy("a", 2)));
        await store.write("a", change({ percent: 1 }, { hold: heldBy("a", 3) }));
        assertEqual(await store.sweep(since + STALE_MS, 10), NOTHING_SWEPT, "the first report");
        await store.write("a", renewal(LONG_MS, heldBy("a", 4)));
        assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
        await store.write("a", change({ percent: 2 }, { leaseMs: LONG_MS, hold: heldBy("a", 5) }));
        const { percent, stale } = await readFields(store, "a");
        assertEqual([percent, stale], [2, false], "the fields");
      },
    },
    {
      name: "given a job that ended, refuses the writes of every other worker as finished",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        await store.write("a", { ...completion(), hold: heldBy("a", 2) });
        for (const each of FOREIGN)
          await assertRejects(store.write("a", each), "job-finished", "A write after the end");
      },
    },
    {
      name: "given a hold, shows readers nothing of it",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        await store.write(
          "a",
          change({ percent: 1 }, { log: [line("one")], hold: heldBy("a", 2) }),
        );
        const { set, log } = await readJob(store, "a");
        const { token } = heldBy("a", 2);
        assertTrue(!JSON.stringify([set, log]).includes(token), "A reader gets the hold's token.");
        const known = ["attempt", "createdAt", "kind", "percent", "status", "updatedAt"];
        assertEqual(Object.keys(set).sort(), known, "the fields");
      },
    },
    ...OPENINGS,
    ...SUPERVISED,
  ],
};
