import type { ProgressStore } from "../../core/store.js";
import { holds, refused, same } from "../assert.js";
import type { Bench } from "../bench.js";
import type { CaseGroup, StoreCase } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  LONG_MS,
  leasedJob,
  line,
  readJob,
  renewal,
  SLACK_MS,
  settle,
  upTo,
  versionOf,
} from "../given.js";
import { fiftyWriters } from "./concurrency.js";
import { endRacingUpdates } from "./end.js";
import { readWhileWriting } from "./histories.js";
import { swept } from "./sweep.js";
import { followDuring, reportAll } from "./watch.js";

const OPTIONS = { maxLogLines: 60, ttlMs: LONG_MS };

function both(
  name: string,
  run: (a: ProgressStore, b: ProgressStore, bench: Bench) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: "shared",
    run: async (bench) => run(await bench.open(OPTIONS), await bench.open(OPTIONS), bench),
  };
}

/** Sweeps by twos until there is no more, and counts what was done. */
async function sweepAll(store: ProgressStore, now: number): Promise<number> {
  let done = 0;
  for (let turn = 0; ; turn += 1) {
    holds(turn < 50, "Sweep after sweep says that there is more.");
    const report = await store.sweep(now, 2);
    done += swept(report);
    if (!report.more) return done;
  }
}

export const SHARED: CaseGroup = {
  group: "shared",
  cases: [
    both(
      "given a write to one instance, the other tells the same, and takes the same cursors",
      async (a, b) => {
        const { cursor } = await a.create(draft("a"));
        await a.write("a", change({ message: "one" }, { log: [line("one")] }));
        same(await readJob(b, "a"), await readJob(a, "a"), "the snapshots");
        const second = await b.write("a", change({ percent: 2 }, { log: [line("two")] }));
        for (const after of [undefined, cursor, second])
          same(await readJob(b, "a", after), await readJob(a, "a", after), "the deltas");
      },
    ),
    both(
      "given a watch on one instance, wakes at a write to the other, and it can be read",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const { wake, past } = waker();
        const { cursor } = await readJob(b, "a");
        await b.watch("a", wake);
        await a.write("a", change({ message: "one" }));
        await past(0);
        same((await readJob(b, "a", cursor)).set.message, "one", "what the woken reader is told");
      },
    ),
    both(
      "given a reader on one instance that looks only when woken, it gets everything from the other",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const reader = { store: b, id: "a", waker: waker() };
        const copy = await followDuring(reader, () => reportAll(a, "a"));
        same(copy, await readJob(a, "a"), "the reader's copy");
      },
    ),
    both(
      "given a reader on one instance that reads only when a wake tells of something new, it gets everything from the other",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const reader = { store: b, id: "a", waker: waker(), isTrusting: true };
        const copy = await followDuring(reader, () => reportAll(a, "a"));
        same(copy, await readJob(a, "a"), "the reader's copy");
      },
    ),
    both("given fifty writers on two instances, numbers each write and loses nothing", (a, b) =>
      fiftyWriters([a, b]),
    ),
    {
      name: "given readers on the other instance while the writes go on, tells one consistent point after another",
      needs: "shared",
      run: async ({ open }) =>
        readWhileWriting(await open({ maxLogLines: 7 }), await open({ maxLogLines: 7 })),
    },
    both("given one key on two instances at once, stores one job", async (a, b) => {
      const all = await Promise.all(
        upTo(20).map((by) => (by % 2 === 0 ? a : b).create(draft(`job-${by}`, { key: "order 7" }))),
      );
      same(all.filter(({ created }) => created).length, 1, "jobs made");
      same(new Set(all.map(({ jobId }) => jobId)).size, 1, "different ids told");
    }),
    both("given ends on two instances at once, takes one", async (a, b) => {
      await a.create(draft("a"));
      const { fulfilled, rejected } = await settle(
        upTo(20).map((by) => (by % 2 === 0 ? a : b).write("a", completion(by)).then(() => by)),
      );
      same([fulfilled.length, rejected.length], [1, 19], "ends taken and refused");
      same(
        [(await fieldsIn(a, "a")).result, (await fieldsIn(b, "a")).result],
        [fulfilled[0], fulfilled[0]],
        "the end that each instance tells",
      );
    }),
    both(
      "given an end that races updates on two instances, keeps just what came before it",
      (a, b) => endRacingUpdates([a, b]),
    ),
    both("given small sweeps on two instances, does every job, each once", async (a, b) => {
      const since = await leasedJob(a, "job-0");
      const ids = ["job-0", ...upTo(11).map((by) => `job-${by + 1}`)];
      for (const id of ids.slice(1)) await leasedJob(b, id);
      const before = await Promise.all(ids.map((id) => readJob(a, id)));
      const now = since + 2 * LONG_MS + SLACK_MS;
      const done = await Promise.all([a, b].map((store) => sweepAll(store, now)));
      same(
        done.reduce((sum, count) => sum + count, 0),
        ids.length,
        "jobs in all reports",
      );
      const after = await Promise.all(ids.map((id) => readJob(b, id)));
      same(
        after.map(({ cursor, set }) => [versionOf(cursor), set.status]),
        before.map(({ cursor }) => [versionOf(cursor) + 1, "lost"]),
        "the version and the status of each job",
      );
    }),
    both("given sweeps on two instances at once, ends each job once", async (a, b) => {
      const since = await leasedJob(a, "job-0");
      for (const by of upTo(19)) await leasedJob(by % 2 === 0 ? a : b, `job-${by + 1}`);
      const now = since + 2 * LONG_MS + SLACK_MS;
      const reports = await Promise.all(
        upTo(4).map((by) => (by % 2 === 0 ? a : b).sweep(now, 100)),
      );
      same(
        reports.reduce((sum, report) => sum + swept(report), 0),
        20,
        "jobs in all reports",
      );
    }),
    both(
      "given a lease and an attempt that one instance wrote, the other keeps to them",
      async (a, b) => {
        const since = await leasedJob(a, "a");
        await b.write("a", change({ attempt: 2 }, { attempt: 1 }));
        await refused(
          a.write("a", renewal(100 * LONG_MS, 1)),
          "attempt-superseded",
          "The earlier worker's renewal",
        );
        same(
          (await b.sweep(since + LONG_MS + SLACK_MS, 10)).stale,
          1,
          "jobs marked by the other instance",
        );
        same((await fieldsIn(a, "a")).stale, true, "the mark");
      },
    ),
    both(
      "given a job that one instance removed, the other lets go of it too, and wakes its watchers",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        await a.write("a", completion());
        const { updatedAt } = await fieldsIn(b, "a");
        const { wake, past } = waker();
        await b.watch("a", wake);
        await a.sweep(Number(updatedAt) + LONG_MS + SLACK_MS, 10);
        await past(0);
        const gone = await b.read("a").then(
          (delta) => delta === undefined,
          () => true,
        );
        same(gone, true, "whether the other instance has let go");
      },
    ),
    both(
      "given one instance that is closed, the other works on, and wakes its watchers",
      async (a, b, { waker }) => {
        await a.create(draft("a"));
        const [closed, open] = [waker(), waker()];
        await a.watch("a", closed.wake);
        await b.watch("a", open.wake);
        await a.close();
        const before = closed.count();
        const seen = open.count();
        await b.write("a", change({ message: "one" }));
        await open.past(seen);
        same((await fieldsIn(b, "a")).message, "one", "the message");
        same(closed.count(), before, "wakes of the closed instance's watch");
      },
    ),
  ],
};
