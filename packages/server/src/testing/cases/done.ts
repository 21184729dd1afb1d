import { printCursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { assertEqual } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  cursorParts,
  draft,
  LONG_MS,
  line,
  range,
  readJob,
  renewal,
  STALE_MS,
  sweepUntilLost,
  TERMINAL_STATUSES,
  versionOf,
  writeJob,
} from "../fixtures.js";

/** `done` in the snapshot, and in the delta after each version. The last one is empty. */
async function doneInEveryDelta(store: ProgressStore, id: string): Promise<readonly boolean[]> {
  const snapshot = await readJob(store, id);
  const { epoch } = cursorParts(snapshot.cursor);
  const deltas = await Promise.all(
    range(versionOf(snapshot.cursor)).map((by) =>
      readJob(store, id, printCursor({ epoch, version: by + 1 })),
    ),
  );
  return [snapshot, ...deltas].map(({ done }) => done);
}

async function assertDone(store: ProgressStore, id: string, expected: boolean): Promise<void> {
  const all = await doneInEveryDelta(store, id);
  const what = `done of the job "${id}", in the snapshot and after each version`;
  assertEqual(
    all,
    all.map(() => expected),
    what,
  );
}

export const DONE: CaseGroup = {
  group: "done",
  cases: [
    {
      name: "given a job that has not ended, is false in every delta, also in an empty one",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await assertDone(store, "a", false);
        await store.write("a", change({ status: "running", message: "completed" }));
        await store.write("a", change({ result: 1, "steps.s": { status: "completed" } }));
        await store.write("a", change({}, { log: [line("completed")] }));
        await assertDone(store, "a", false);
      },
    },
    {
      name: "given any terminal status, is true in every delta, also in an empty one",
      async run({ open }) {
        const store = await open();
        for (const status of TERMINAL_STATUSES) {
          await store.create(draft(status));
          await store.write(status, change({ status: "running" }));
          await store.write(status, change({ status }));
          await assertDone(store, status, true);
        }
      },
    },
    {
      name: "given an end by the sweep, is true in every delta, also in an empty one",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "lost");
        await createLeasedJob(store, "timed-out", { deadlineMs: LONG_MS });
        await sweepUntilLost(store, since);
        for (const id of ["lost", "timed-out"]) {
          assertEqual((await readJob(store, id)).set.status, id, "the status");
          await assertDone(store, id, true);
        }
      },
    },
    {
      name: "given a job that is marked stale, or is stale no more, is false",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.sweep(since + STALE_MS, 10);
        await assertDone(store, "a", false);
        await store.write("a", renewal(10 * LONG_MS));
        await assertDone(store, "a", false);
      },
    },
    {
      name: "given a cursor that is malformed, of another epoch or from the future, is true after the end",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const { epoch, version } = cursorParts(await writeJob(store, "a", completion()));
        for (const after of ["malformed", "other.1", printCursor({ epoch, version: version + 1 })])
          assertEqual((await readJob(store, "a", after)).done, true, `done after ${after}`);
      },
    },
    {
      name: "given jobs beside one that has ended, is false for them",
      async run({ open }) {
        const store = await open();
        for (const id of ["a", "b", "c"]) await store.create(draft(id));
        await store.write("b", completion());
        for (const id of ["a", "c"]) await assertDone(store, id, false);
        await assertDone(store, "b", true);
      },
    },
  ],
};
