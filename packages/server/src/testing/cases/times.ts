import type { Change } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  heldBy,
  lastWriteAt,
  line,
  readFields,
  readJob,
  renewal,
  SLACK_MS,
  TERMINAL_STATUSES,
} from "../fixtures.js";

/** Fails the test unless `now` is a time of the store's clock that is not before the job's last version. */
async function assertNow(store: ProgressStore, now: number, what: string): Promise<void> {
  assertTrue(
    Number.isSafeInteger(now),
    `now of ${what} is ${now}; it must be a whole number of milliseconds.`,
  );
  const afterMs = now - (await lastWriteAt(store, "a"));
  assertTrue(
    afterMs >= 0 && afterMs < SLACK_MS,
    `now of ${what} is ${afterMs} ms after updatedAt; both must come from the store's clock.`,
  );
}

async function nowOfRead(store: ProgressStore, after?: string): Promise<number> {
  return (await store.read("a", after))?.now ?? Number.NaN;
}

/** One write of each kind. The last one is repeated. */
const WRITES: readonly Change[] = [
  change({ percent: 1 }, { hold: heldBy("a", 2) }),
  change({}, { log: [line("one")] }),
  renewal(60_000),
  change({}),
  change({ percent: 1 }, { hold: heldBy("a", 2) }),
];

export const TIMES: CaseGroup = {
  group: "times",
  cases: [
    {
      name: "given a write, a renewal and a repeated write, returns the store's time",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        for (const each of [...WRITES, completion()]) {
          const { now } = await store.write("a", each);
          await assertNow(store, now, "a write");
        }
      },
    },
    {
      name: "given a read of the whole state, of a delta or of nothing, returns the store's time",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        const { cursor: last } = await store.write("a", change({ message: "one" }));
        for (const after of [undefined, cursor, last, "malformed"])
          await assertNow(store, await nowOfRead(store, after), `a read after ${after}`);
      },
    },
    {
      name: "given an injected clock, returns its time from every write and read",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        await createLeasedJob(store, "a");
        clock.advance(1234);
        for (const each of WRITES)
          assertEqual((await store.write("a", each)).now, clock.now(), "now of a write");
        clock.advance(1234);
        const { cursor } = await readJob(store, "a");
        assertEqual(
          [await nowOfRead(store), await nowOfRead(store, cursor)],
          [clock.now(), clock.now()],
          "now of the reads",
        );
      },
    },
    {
      name: "given any terminal status, sets finishedAt to the time of that version",
      async run({ open }) {
        const store = await open();
        for (const status of TERMINAL_STATUSES) {
          const { cursor } = await store.create(draft(status));
          await store.write(status, change({ status }));
          const { set } = await readJob(store, status, cursor);
          assertTrue(Number.isSafeInteger(set.finishedAt), "The end has no finishedAt.");
          assertEqual(set.finishedAt, set.updatedAt, `finishedAt of the job that is ${status}`);
          assertEqual((await readFields(store, status)).finishedAt, set.finishedAt, "finishedAt");
        }
      },
    },
    {
      name: "given an end with a finishedAt of the worker, sets it by its own clock instead",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ status: "failed", finishedAt: 5 }));
        const { createdAt, updatedAt, finishedAt } = await readFields(store, "a");
        assertEqual(finishedAt, updatedAt, "finishedAt");
        assertTrue(Number(finishedAt) >= Number(createdAt), "finishedAt is before createdAt.");
      },
    },
    {
      name: "given an injected clock, sets finishedAt by it",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        await store.create(draft("a"));
        clock.advance(1234);
        await store.write("a", change({ status: "completed", finishedAt: clock.now() + 1 }));
        assertEqual((await readFields(store, "a")).finishedAt, clock.now(), "finishedAt");
      },
    },
    {
      name: "given a write that does not end the job, sets no finishedAt",
      async run({ open }) {
        const store = await open();
        await createLeasedJob(store, "a");
        for (const each of WRITES) await store.write("a", each);
        assertEqual((await readFields(store, "a")).finishedAt, undefined, "finishedAt");
      },
    },
  ],
};
