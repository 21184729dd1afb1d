import { type Cursor, isProgressError } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertRejects } from "../assert.js";
import type { StoreCase } from "../case.js";
import {
  change,
  completion,
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
  writeJob,
} from "../fixtures.js";

/** How a second worker opens a job. */
interface SecondOpening {
  readonly seen: Cursor;
  readonly takeOver?: boolean;
  readonly attempt?: number;
  readonly token?: string;
}

/** Opens the job "a" with a lease, as another worker than its first. */
function openAgain(
  store: ProgressStore,
  { seen, takeOver = false, attempt, token = "second" }: SecondOpening,
): Promise<Cursor> {
  const set = { status: "running", message: token, ...(attempt !== undefined && { attempt }) };
  return writeJob(
    store,
    "a",
    change(set, { leaseMs: LONG_MS, hold: opening(token, seen, takeOver) }),
  );
}

async function cursorOf(store: ProgressStore): Promise<Cursor> {
  return (await readJob(store, "a")).cursor;
}

/** Fails the test unless the second worker holds the job, and the first one is refused. */
async function assertTakenOver(store: ProgressStore): Promise<void> {
  const late = [
    change({ percent: 90 }, { hold: heldBy("a", 10) }),
    renewal(100 * LONG_MS, heldBy("a", 11)),
    renewal(0, heldBy("a", 12)),
    { ...completion(), hold: heldBy("a", 13) },
    // Its opening, whose answer it never got.
    renewal(LONG_MS, heldBy("a", 1)),
  ];
  for (const each of late)
    await assertRejects(store.write("a", each), "hold-lost", "A write of the first worker");
  await store.write("a", change({ percent: 1 }, { hold: { token: "second", count: 2 } }));
  const { message, percent } = await readFields(store, "a");
  assertEqual([message, percent], ["second", 1], "the fields");
}

/** Twenty workers that read the job at the same cursor open it at once. Exactly one must get it. */
export async function twentyOpeners(
  stores: readonly ProgressStore[],
  { seen, takeOver }: Pick<SecondOpening, "seen" | "takeOver">,
): Promise<void> {
  const openings = range(20).map(async (by) => {
    const store = stores[by % stores.length] as ProgressStore;
    await openAgain(store, { seen, takeOver: takeOver ?? false, token: `worker ${by}` });
    return `worker ${by}`;
  });
  const { fulfilled, rejected } = await outcomesOf(openings);
  assertEqual([fulfilled.length, rejected.length], [1, 19], "workers accepted and refused");
  for (const reason of rejected)
    await assertRejects(Promise.reject(reason), "job-held", "A second worker");
  for (const store of stores)
    assertEqual(
      (await readFields(store, "a")).message,
      fulfilled[0],
      "the worker that has the job",
    );
}

export const OPENINGS: readonly StoreCase[] = [
  {
    name: "given a valid lease, refuses to open the job for another worker, and changes nothing",
    async run({ open }) {
      const store = await open();
      const since = await createLeasedJob(store, "a");
      const before = await readJob(store, "a");
      await assertRejects(openAgain(store, { seen: before.cursor }), "job-held", "A second worker");
      assertEqual(await readJob(store, "a"), before, "the job");
      await store.write("a", renewal(LONG_MS, heldBy("a", 2)));
      assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
    },
  },
  {
    name: "given a valid lease, an explicit takeover opens the job, and fences the first worker off",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      await openAgain(store, { seen: await cursorOf(store), takeOver: true });
      await assertTakenOver(store);
    },
  },
  {
    name: "given a valid lease, the beginning of an attempt opens the job, and fences the first worker off",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      await openAgain(store, { seen: await cursorOf(store), attempt: 2 });
      await assertTakenOver(store);
    },
  },
  {
    name: "given a lease that was given up, opens the job without a takeover, and fences the first worker off",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      await store.write("a", renewal(0, heldBy("a", 2)));
      await openAgain(store, { seen: await cursorOf(store) });
      await assertTakenOver(store);
    },
  },
  {
    name: "given a lease that ran out, opens the job without a takeover, and fences the first worker off",
    async run({ open, eventually }) {
      const store = await open();
      await createLeasedJob(store, "a");
      await store.write("a", renewal(1, heldBy("a", 2)));
      const seen = await cursorOf(store);
      await eventually("The lease of a millisecond has run out, and the job was opened", () =>
        openAgain(store, { seen }).then(
          () => true,
          (error: unknown) => (isProgressError(error, "job-held") ? false : Promise.reject(error)),
        ),
      );
      await assertTakenOver(store);
    },
  },
  {
    name: "given an injected clock, opens the job exactly when the lease has run out",
    needs: "injected clock",
    async run({ open, clock }) {
      const store = await open();
      await createLeasedJob(store, "a");
      const seen = await cursorOf(store);
      clock.advance(LONG_MS - 1);
      await assertRejects(openAgain(store, { seen }), "job-held", "A worker that is too early");
      clock.advance(1);
      await openAgain(store, { seen });
      await assertTakenOver(store);
    },
  },
  {
    name: "given a hold that began after the job was read, refuses to open it, even as a takeover",
    async run({ open }) {
      const store = await open();
      const { cursor: seen } = await store.create(draft("a"));
      await openAgain(store, { seen, token: "first" });
      const late: readonly SecondOpening[] = [
        { seen },
        { seen, takeOver: true },
        { seen, attempt: 2 },
      ];
      for (const leaseMs of [LONG_MS, 0]) {
        await store.write("a", renewal(leaseMs, { token: "first", count: leaseMs === 0 ? 3 : 2 }));
        const before = await readJob(store, "a");
        for (const each of late)
          await assertRejects(openAgain(store, each), "job-held", "A worker that read before");
        assertEqual(await readJob(store, "a"), before, "the job");
      }
      await openAgain(store, { seen: await cursorOf(store) });
      assertEqual((await readFields(store, "a")).message, "second", "the worker that has the job");
    },
  },
  {
    name: "given a reader of the version that began the hold, or of a later one, opens the job as a takeover",
    async run({ open }) {
      const store = await open();
      const { cursor } = await store.create(draft("a"));
      const first = await openAgain(store, { seen: cursor, token: "first" });
      await store.write("a", change({ percent: 1 }, { hold: { token: "first", count: 2 } }));
      const second = await openAgain(store, { seen: first, takeOver: true });
      await store.write("a", change({ cancelRequested: true }));
      const seen = await cursorOf(store);
      await assertRejects(
        openAgain(store, { seen: first, takeOver: true, token: "third" }),
        "job-held",
        "A worker that read before the second hold",
      );
      await openAgain(store, { seen, takeOver: true, token: "fourth" });
      await assertRejects(
        openAgain(store, { seen: second, takeOver: true, token: "fifth" }),
        "job-held",
        "A worker that read before the third hold",
      );
    },
  },
  {
    name: "given a job that was removed and created again, refuses a worker that read the old one",
    async run({ open }) {
      const store = await open();
      await store.create(draft("a"));
      for (const by of range(5)) await store.write("a", change({ message: `${by}` }));
      const old = await cursorOf(store);
      await store.remove("a");
      const { cursor: seen } = await store.create(draft("a"));
      const assertRefused = async (): Promise<void> => {
        for (const cursor of [old, "malformed", ""])
          await assertRejects(
            openAgain(store, { seen: cursor, takeOver: true }),
            "job-held",
            `A worker that read at ${JSON.stringify(cursor)}`,
          );
      };
      await assertRefused();
      await openAgain(store, { seen, token: "first" });
      await assertRefused();
      assertEqual((await readFields(store, "a")).message, "first", "the worker that has the job");
    },
  },
  {
    name: "given twenty workers that open a job at the same time, lets one in",
    async run({ open }) {
      const store = await open();
      const { cursor } = await store.create(draft("a"));
      await twentyOpeners([store], { seen: cursor });
    },
  },
  {
    name: "given twenty workers that take a job over at the same time, lets one in",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      await twentyOpeners([store], { seen: await cursorOf(store), takeOver: true });
    },
  },
  {
    name: "given a job that ended, refuses to open it",
    async run({ open }) {
      const store = await open();
      await createLeasedJob(store, "a");
      await store.write("a", { ...completion(), hold: heldBy("a", 2) });
      const seen = await cursorOf(store);
      for (const more of [{}, { takeOver: true }, { attempt: 2 }])
        await assertRejects(openAgain(store, { seen, ...more }), "job-finished", "A late worker");
    },
  },
  {
    name: "given an unknown job, refuses to open it",
    async run({ open }) {
      const store = await open();
      const { cursor: seen } = await store.create(draft("other"));
      await assertRejects(openAgain(store, { seen }), "job-not-found", "A worker of no job");
    },
  },
];
