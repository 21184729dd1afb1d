import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup, StoreCase } from "../case.js";
import type { TestContext } from "../context.js";
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
  opening,
  outcomesOf,
  range,
  readFields,
  readJob,
  SLACK_MS,
  STALE_MS,
  versionOf,
  writeJob,
} from "../fixtures.js";
import { fiftyWriters } from "./concurrency.js";
import { endRacingUpdates } from "./end.js";
import { readWhileWriting } from "./histories.js";
import { twentyOpeners } from "./openings.js";
import { sweptJobs } from "./sweep.js";
import { followDuring, reportAll } from "./watch.js";

const OPTIONS = { maxLogLines: 60, ttlMs: LONG_MS };

function onTwoInstances(
  name: string,
  run: (a: ProgressStore, b: ProgressStore, context: TestContext) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: "shared",
    run: async (context) => run(await context.open(OPTIONS), await context.open(OPTIONS), context),
  };
}

/** Sweeps with a limit of 2 until nothing is due. Returns the number of jobs in the reports. */
async function sweepAll(store: ProgressStore, now: number): Promise<number> {
  let done = 0;
  for (let turn = 0; ; turn += 1) {
    assertTrue(turn < 50, "Fifty sweeps in a row reported that more jobs are due.");
    const report = await store.sweep(now, 2);
    done += sweptJobs(report);
    if (!report.more) return done;
  }
}

export const SHARED: CaseGroup = {
  group: "shared",
  cases: [
    onTwoInstances(
      "given a write to one instance, the other returns the same job and accepts the same cursors",
      async (a, b) => {
        const { cursor } = await a.create(draft("a"));
        await a.write("a", change({ message: "one" }, { log: [line("one")] }));
        assertEqual(await readJob(b, "a"), await readJob(a, "a"), "the snapshots");
        const second = await writeJob(b, "a", change({ percent: 2 }, { log: [line("two")] }));
        for (const after of [undefined, cursor, second])
          assertEqual(await readJob(b, "a", after), await readJob(a, "a", after), "the deltas");
      },
    ),
    onTwoInstances(
      "given a watch on one instance, wakes after a write to the other, and the write can be read",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const { wake, wakeAfter } = waker();
        const { cursor } = await readJob(b, "a");
        await b.watch({ jobId: "a" }, wake);
        await a.write("a", change({ message: "one" }));
        await wakeAfter(0);
        assertEqual(
          (await readJob(b, "a", cursor)).set.message,
          "one",
          "the message that the woken reader gets",
        );
      },
    ),
    onTwoInstances(
      "given a reader on one instance that reads after each wake, it gets everything that the other writes",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const reader = { store: b, id: "a", waker: waker() };
        const replica = await followDuring(reader, () => reportAll(a, "a"));
        assertEqual(replica, await readJob(a, "a"), "the reader's replica");
      },
    ),
    onTwoInstances(
      "given a reader on one instance that ignores wakes for versions it has, it gets everything that the other writes",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const reader = { store: b, id: "a", waker: waker(), skipsKnown: true };
        const replica = await followDuring(reader, () => reportAll(a, "a"));
        assertEqual(replica, await readJob(a, "a"), "the reader's replica");
      },
    ),
    onTwoInstances(
      "given fifty concurrent writers on two instances, numbers each write and loses nothing",
      (a, b) => fiftyWriters([a, b]),
    ),
    {
      name: "given reads on one instance during writes on the other, returns one consistent point with each",
      needs: "shared",
      run: async ({ open }) =>
        readWhileWriting(await open({ maxLogLines: 7 }), await open({ maxLogLines: 7 })),
    },
    onTwoInstances(
      "given concurrent calls with one key on two instances, stores one job",
      async (a, b) => {
        const all = await Promise.all(
          range(20).map((by) =>
            (by % 2 === 0 ? a : b).create(draft(`job-${by}`, { key: "order 7" })),
          ),
        );
        assertEqual(all.filter(({ created }) => created).length, 1, "jobs created");
        assertEqual(
          new Set(all.map(({ jobId }) => jobId)).size,
          1,
          "the number of different ids returned",
        );
      },
    ),
    onTwoInstances("given concurrent ends on two instances, accepts one", async (a, b) => {
      await a.create(draft("a"));
      const { fulfilled, rejected } = await outcomesOf(
        range(20).map((by) => (by % 2 === 0 ? a : b).write("a", completion(by)).then(() => by)),
      );
      assertEqual([fulfilled.length, rejected.length], [1, 19], "ends accepted and refused");
      assertEqual(
        [(await readFields(a, "a")).result, (await readFields(b, "a")).result],
        [fulfilled[0], fulfilled[0]],
        "the end that each instance returns",
      );
    }),
    onTwoInstances(
      "given an end concurrent with updates on two instances, keeps exactly the updates that were accepted",
      (a, b) => endRacingUpdates([a, b]),
    ),
    onTwoInstances(
      "given many sweeps with a low limit on two instances, ends each job once",
      async (a, b) => {
        const since = await createLeasedJob(a, "job-0");
        const ids = ["job-0", ...range(11).map((by) => `job-${by + 1}`)];
        for (const id of ids.slice(1)) await createLeasedJob(b, id);
        await a.sweep(since + STALE_MS, 100);
        const before = await Promise.all(ids.map((id) => readJob(a, id)));
        const now = since + LOST_MS;
        const done = await Promise.all([a, b].map((store) => sweepAll(store, now)));
        assertEqual(
          done.reduce((sum, count) => sum + count, 0),
          ids.length,
          "jobs in all reports",
        );
        const after = await Promise.all(ids.map((id) => readJob(b, id)));
        assertEqual(
          after.map(({ cursor, set }) => [versionOf(cursor), set.status]),
          before.map(({ cursor }) => [versionOf(cursor) + 1, "lost"]),
          "the version and the status of each job",
        );
      },
    ),
    onTwoInstances("given concurrent sweeps on two instances, ends each job once", async (a, b) => {
      const since = await createLeasedJob(a, "job-0");
      for (const by of range(19)) await createLeasedJob(by % 2 === 0 ? a : b, `job-${by + 1}`);
      await b.sweep(since + STALE_MS, 100);
      const now = since + LOST_MS;
      const reports = await Promise.all(
        range(4).map((by) => (by % 2 === 0 ? a : b).sweep(now, 100)),
      );
      assertEqual(
        reports.reduce((sum, report) => sum + sweptJobs(report), 0),
        20,
        "jobs in all reports",
      );
    }),
    onTwoInstances(
      "given a lease and an attempt that one instance wrote, the other enforces them",
      async (a, b) => {
        const since = await createLeasedJob(a, "a");
        await b.write("a", change({ attempt: 2 }));
        await assertRejects(
          a.write("a", change({ attempt: 2 })),
          "attempt-superseded",
          "A second beginning of the attempt",
        );
        assertEqual(
          (await b.sweep(since + LONG_MS + SLACK_MS, 10)).stale,
          1,
          "jobs marked by the other instance",
        );
        assertEqual((await readFields(a, "a")).stale, true, "the mark");
      },
    ),
    onTwoInstances(
      "given a write that arrives again at the other instance, returns the current cursor and changes nothing",
      async (a, b) => {
        await createLeasedJob(a, "a");
        const old = change({ percent: 40 }, { log: [line("old")], hold: heldBy("a", 2) });
        await a.write("a", old);
        const cursor = await writeJob(b, "a", change({ percent: 60 }, { hold: heldBy("a", 3) }));
        const before = await readJob(a, "a");
        for (const store of [a, b])
          assertEqual(await writeJob(store, "a", old), cursor, "the cursor of the late write");
        assertEqual(await readJob(a, "a"), before, "the job");
      },
    ),
    onTwoInstances(
      "given one write that is sent to both instances at once, applies it once",
      async (a, b) => {
        await createLeasedJob(a, "a");
        const { cursor } = await readJob(a, "a");
        const write = change({ percent: 40 }, { log: [line("one")], hold: heldBy("a", 2) });
        await Promise.all(range(10).map((by) => (by % 2 === 0 ? a : b).write("a", write)));
        const after = await readJob(b, "a");
        assertEqual(
          [versionOf(after.cursor), after.log.length],
          [versionOf(cursor) + 1, 1],
          "the version and the number of lines",
        );
      },
    ),
    onTwoInstances(
      "given a worker of one instance, the other refuses to open the job, and its takeover fences the first",
      async (a, b) => {
        await createLeasedJob(a, "a");
        const { cursor: seen } = await readJob(b, "a");
        const opens = (takeOver: boolean) =>
          b.write("a", change({ message: "second" }, { hold: opening("second", seen, takeOver) }));
        await assertRejects(opens(false), "job-held", "A second worker");
        await opens(true);
        await assertRejects(
          a.write("a", change({ percent: 1 }, { hold: heldBy("a", 2) })),
          "hold-lost",
          "A write of the first worker",
        );
      },
    ),
    onTwoInstances(
      "given twenty workers on two instances that open a job at the same time, lets one in",
      async (a, b) => {
        const { cursor } = await a.create(draft("a"));
        await twentyOpeners([a, b], { seen: cursor });
      },
    ),
    onTwoInstances(
      "given twenty workers on two instances that take a job over at the same time, lets one in",
      async (a, b) => {
        await createLeasedJob(a, "a");
        const { cursor } = await readJob(b, "a");
        await twentyOpeners([a, b], { seen: cursor, takeOver: true });
      },
    ),
    onTwoInstances(
      "given a job that expired in one instance, it is removed in the other, whose watchers are woken",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        await a.write("a", completion());
        const { updatedAt } = await readFields(b, "a");
        const { wake, wakeAfter } = waker();
        await b.watch({ jobId: "a" }, wake);
        await a.sweep(Number(updatedAt) + LONG_MS + SLACK_MS, 10);
        await wakeAfter(0);
        assertTrue(await isRemoved(b, "a"), "The other instance returns the job.");
      },
    ),
    onTwoInstances(
      "given a job that one instance removes, it is removed in the other, whose watchers are woken",
      async (a, b, { waker }) => {
        await a.create(draft("a", { key: "order 7" }));
        const { cursor } = await readJob(b, "a");
        const { wake, wakeAfter } = waker();
        await b.watch({ jobId: "a" }, wake);
        assertEqual(await a.remove("a"), true, "the result of remove()");
        await wakeAfter(0, (version) => version === undefined);
        for (const after of [undefined, cursor])
          assertTrue(await isRemoved(b, "a", after), "The other instance returns the job.");
        assertEqual(await b.remove("a"), false, "the result of remove() in the other instance");
        const { jobId } = await b.create(draft("b", { key: "order 7" }));
        assertEqual(jobId, "b", "the new job of the key");
      },
    ),
    onTwoInstances("given concurrent removals on two instances, removes the job", async (a, b) => {
      await a.create(draft("a"));
      const results = await Promise.all(range(6).map((by) => (by % 2 === 0 ? a : b).remove("a")));
      assertTrue(results.includes(true), "Every remove() returned false.");
      for (const store of [a, b])
        assertTrue(await isRemoved(store, "a"), "An instance returns the removed job.");
    }),
    onTwoInstances(
      "given a running step that one instance wrote, an end by the other closes it, and both see that the job is done",
      async (a, b) => {
        await a.create(draft("a"));
        await a.write("a", change({ "steps.s": { status: "running", percent: 40 } }));
        const cursor = await writeJob(b, "a", change({ status: "failed" }));
        for (const store of [a, b]) {
          const { set, done } = await readJob(store, "a");
          const finishedAt = set.updatedAt ?? null;
          assertEqual(
            [set["steps.s"], done, (await readJob(store, "a", cursor)).done],
            [{ status: "failed", percent: 40, finishedAt }, true, true],
            "the step and done",
          );
        }
      },
    ),
    onTwoInstances(
      "given one instance that is closed, the other works and wakes its watchers",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const [closed, open] = [waker(), waker()];
        await a.watch({ jobId: "a" }, closed.wake);
        await b.watch({ jobId: "a" }, open.wake);
        await a.close();
        const before = closed.count();
        const seen = open.count();
        await b.write("a", change({ message: "one" }));
        await open.wakeAfter(seen);
        assertEqual((await readFields(b, "a")).message, "one", "the message");
        assertEqual(closed.count(), before, "wakes of the closed instance's watcher");
      },
    ),
  ],
};
