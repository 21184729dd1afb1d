import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup, StoreCase } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  heldBy,
  isRemoved,
  LONG_MS,
  LOST_MS,
  line,
  NOTHING_SWEPT,
  outcomesOf,
  range,
  readFields,
  readJob,
  SLACK_MS,
  STALE_MS,
  versionOf,
  writeJob,
} from "../fixtures.js";

/** Writes with one instance, closes it, and reads with the next one. */
function reopened<Kept>(
  name: string,
  before: (store: ProgressStore) => Promise<Kept>,
  after: (store: ProgressStore, kept: Kept) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: "durable",
    async run({ open }) {
      const options = { maxLogLines: 5, ttlMs: LONG_MS };
      const first = await open(options);
      const kept = await before(first);
      await first.close();
      await after(await open(options), kept);
    },
  };
}

export const DURABLE: CaseGroup = {
  group: "durable",
  cases: [
    reopened(
      "given a store that was closed, the next one returns the same jobs and accepts the same cursors",
      async (store) => {
        const { cursor } = await store.create(draft("a"));
        await store.write(
          "a",
          change({ "metadata.m": { deep: [1] } }, { log: range(7).map((by) => line(`${by}`)) }),
        );
        return {
          cursor,
          snapshot: await readJob(store, "a"),
          delta: await readJob(store, "a", cursor),
        };
      },
      async (store, { cursor, snapshot, delta }) => {
        assertEqual(await readJob(store, "a"), snapshot, "the snapshot");
        assertEqual(await readJob(store, "a", cursor), delta, "the delta");
        await store.write("a", change({}, { log: [line("next")] }));
        assertEqual(
          (await readJob(store, "a", snapshot.cursor)).log.map(({ n, version }) => [n, version]),
          [[8, 3]],
          "number and version of the next line",
        );
      },
    ),
    reopened(
      "given a store that was closed, the next one knows its keys and its ended jobs",
      async (store) => {
        await store.create(draft("a", { key: "order 7" }));
        await store.write("a", completion());
      },
      async (store) => {
        assertEqual(
          (await store.create(draft("b", { key: "order 7" }))).jobId,
          "a",
          "the job of the key",
        );
        await assertRejects(
          store.write("a", change({ message: "late" })),
          "job-finished",
          "A write after the end",
        );
        const { cursor, done } = await readJob(store, "a");
        const empty = await readJob(store, "a", cursor);
        assertEqual([done, empty.done], [true, true], "done of the snapshot and of an empty delta");
      },
    ),
    reopened(
      "given a store that was closed, the next one does not return the jobs that were removed",
      async (store) => {
        await store.create(draft("a", { key: "order 7" }));
        await store.remove("a");
      },
      async (store) => {
        assertTrue(await isRemoved(store, "a"), "The removed job is back.");
        assertEqual(await store.remove("a"), false, "the result of remove()");
        assertEqual((await store.create(draft("b", { key: "order 7" }))).jobId, "b", "the new job");
      },
    ),
    reopened(
      "given a store that was closed, the next one closes the steps that it left running",
      async (store) => {
        await store.create(draft("a"));
        await store.write("a", change({ "steps.s": { status: "running", percent: 40 } }));
      },
      async (store) => {
        await store.write("a", completion());
        const { "steps.s": step, updatedAt } = await readFields(store, "a");
        const closed = { status: "completed", percent: 40, finishedAt: updatedAt };
        assertEqual(step, closed, "the step");
      },
    ),
    reopened(
      "given a store that was closed, the next one enforces its leases, attempts and deadlines",
      async (store) => {
        const since = await createLeasedJob(store, "a");
        await store.write("a", change({ attempt: 2 }));
        await store.create(draft("b", { deadlineMs: 1.5 * LONG_MS }));
        return since;
      },
      async (store, since) => {
        await assertRejects(
          store.write("a", change({ attempt: 2 })),
          "attempt-superseded",
          "A second beginning of the attempt",
        );
        assertEqual(
          await store.sweep(since + STALE_MS, 10),
          { ...NOTHING_SWEPT, stale: 1 },
          "the first sweep's report",
        );
        assertEqual(
          await store.sweep(since + LOST_MS, 10),
          { ...NOTHING_SWEPT, lost: 1, timedOut: 1 },
          "the second sweep's report",
        );
        assertEqual((await readFields(store, "a")).status, "lost", "the status");
      },
    ),
    reopened(
      "given a store that was closed, the next one enforces its holds",
      async (store) => {
        await createLeasedJob(store, "a");
        await store.write("a", change({ percent: 40 }, { hold: heldBy("a", 2) }));
        return readJob(store, "a");
      },
      async (store, before) => {
        const again = change({ percent: 30 }, { hold: heldBy("a", 2) });
        assertEqual(await writeJob(store, "a", again), before.cursor, "the cursor of a late write");
        assertEqual(await readJob(store, "a"), before, "the job");
        await assertRejects(
          store.write("a", change({ percent: 1 }, { hold: { token: "other", count: 1 } })),
          "hold-lost",
          "A write of another worker",
        );
        await store.write("a", change({ percent: 50 }, { hold: heldBy("a", 3) }));
        assertEqual((await readFields(store, "a")).percent, 50, "the percent");
      },
    ),
    reopened(
      "given a store that was closed, the next one removes its jobs when they expire",
      async (store) => {
        await store.create(draft("a"));
        await store.write("a", completion());
        return Number((await readFields(store, "a")).updatedAt);
      },
      async (store, since) => {
        assertEqual(
          await store.sweep(since + LONG_MS - 1, 10),
          NOTHING_SWEPT,
          "the report before ttlMs",
        );
        assertEqual(
          await store.sweep(since + LONG_MS + SLACK_MS, 10),
          { ...NOTHING_SWEPT, expired: 1 },
          "the report after ttlMs",
        );
      },
    ),
    reopened(
      "given a close during writes, the next one has every acknowledged write, and no part of another",
      async (store) => {
        await store.create(draft("a"));
        const writes = range(20).map(async (by) => {
          await store.write("a", change({ [`metadata.by${by}`]: by }, { log: [line(`${by}`)] }));
          return by;
        });
        const [{ fulfilled }] = await Promise.all([outcomesOf(writes), store.close()]);
        return fulfilled;
      },
      async (store, acknowledged) => {
        const { cursor, set, log } = await readJob(store, "a");
        const kept = range(20).filter((by) => set[`metadata.by${by}`] === by);
        const lost = acknowledged.filter((by) => !kept.includes(by));
        assertEqual(lost, [], "acknowledged writes that are lost");
        assertEqual(
          versionOf(cursor),
          kept.length + 1,
          "the version, compared with the stored fields",
        );
        assertEqual(
          log.at(-1)?.n ?? 0,
          kept.length,
          "the number of the last line, compared with the stored fields",
        );
        assertEqual(
          log.filter(({ text }) => !kept.includes(Number(text))),
          [],
          "lines without their field",
        );
      },
    ),
  ],
};
