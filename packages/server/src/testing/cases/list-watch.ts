import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup, StoreCase } from "../case.js";
import type { TestContext } from "../context.js";
import { change, completion, draft, LONG_MS, lastWriteAt, range, SLACK_MS } from "../fixtures.js";
import { assertListed, followList, jobIds, listedDraft, listedIds, SUBJECT } from "../lists.js";

const OPTIONS = { ttlMs: LONG_MS };

/** Each change of a membership, with a name. Before it, the store has the ended job "old" of the subject. */
export const MEMBERSHIP_CHANGES: readonly (readonly [
  name: string,
  listed: readonly string[],
  change: (store: ProgressStore) => Promise<unknown>,
])[] = [
  ["a creation", ["old", "new"], (store) => store.create(listedDraft("new"))],
  ["a removal", [], (store) => store.remove("old")],
  [
    "a sweep that removes a job",
    [],
    async (store) => store.sweep((await lastWriteAt(store, "old")) + LONG_MS + SLACK_MS, 10),
  ],
];

/** Makes a change through one instance and expects a wake of the other, after which the change can be read. */
export async function expectWake(
  { writer, reader }: { readonly writer: ProgressStore; readonly reader: ProgressStore },
  { waker }: TestContext,
  [, listed, makeChange]: (typeof MEMBERSHIP_CHANGES)[number],
): Promise<void> {
  await writer.create(listedDraft("old"));
  await writer.write("old", completion());
  const { wake, wakeAfter } = waker();
  // A wake may come without a change, or late for an earlier one. It counts if the list has the change.
  await reader.watch({ subject: SUBJECT }, () => {
    const wanted = [...listed].sort().join();
    listedIds(reader).then((ids) => [...ids].sort().join() === wanted && wake(), String);
  });
  await makeChange(writer);
  await wakeAfter(0);
}

/** Creates jobs and removes some of them. */
export async function createAndRemoveSome(store: ProgressStore): Promise<void> {
  for (const [by, id] of jobIds(15).entries()) {
    await store.create(listedDraft(id));
    if (by % 3 === 2) await store.remove(`job-${by - 1}`);
  }
}

/** The jobs that {@link createAndRemoveSome} leaves. */
export const LEFT: readonly string[] = jobIds(15).filter((_, by) => by % 3 !== 1);

function wakesAfter(each: (typeof MEMBERSHIP_CHANGES)[number]): StoreCase {
  return {
    name: `given ${each[0]}, wakes the watchers of the subject, and the change can be read`,
    async run(context) {
      const store = await context.open(OPTIONS);
      await expectWake({ writer: store, reader: store }, context, each);
    },
  };
}

export const LIST_WATCH: CaseGroup = {
  group: "list watch",
  cases: [
    ...MEMBERSHIP_CHANGES.map(wakesAfter),
    {
      name: "given a subject without jobs, can be watched",
      async run({ open, waker }) {
        const store = await open();
        const { wake, wakeAfter } = waker();
        const unwatch = await store.watch({ subject: "nobody" }, wake);
        await store.create(draft("a", { subjects: ["nobody"] }));
        await wakeAfter(0);
        await unwatch();
        await unwatch();
      },
    },
    {
      name: "given a job with several subjects, wakes the watchers of each at its creation and at its removal",
      async run({ open, waker }) {
        const store = await open();
        const subjects = range(8).map((by) => `batch:${by}`);
        const wakers = await Promise.all(
          subjects.map(async (subject) => {
            const each = waker();
            await store.watch({ subject }, each.wake);
            return each;
          }),
        );
        await store.create(draft("a", { subjects }));
        await Promise.all(wakers.map(({ wakeAfter }) => wakeAfter(0)));
        const before = wakers.map(({ count }) => count());
        await store.remove("a");
        await Promise.all(wakers.map(({ wakeAfter }, by) => wakeAfter(before[by] ?? 0)));
      },
    },
    {
      name: "given a watch, wakes without a version",
      async run({ open, waker }) {
        const store = await open();
        const { wake, versions, wakeAfter } = waker();
        await store.watch({ subject: SUBJECT }, wake);
        await store.create(listedDraft("a"));
        await wakeAfter(0);
        await store.remove("a");
        await store.create(listedDraft("b"));
        await wakeAfter(1);
        const given = versions().filter((version) => version !== undefined);
        assertEqual(given, [], "the versions of its wakes");
      },
    },
    {
      name: "given a change between watch and list, the reader misses nothing",
      async run({ open, waker }) {
        const store = await open();
        const { wake, count, wakeAfter } = waker();
        await store.watch({ subject: SUBJECT }, wake);
        await store.create(listedDraft("a"));
        await assertListed(store, ["a"]);
        await wakeAfter(0);
        const seen = count();
        await store.create(listedDraft("b"));
        await wakeAfter(seen);
        await assertListed(store, ["a", "b"]);
      },
    },
    {
      name: "given a reader that reads the list after each wake, it gets the last one",
      async run(context) {
        const store = await context.open();
        const during = (): Promise<void> => createAndRemoveSome(store);
        await followList(store, context, { until: LEFT, during });
      },
    },
    {
      name: "given writes to its jobs, does not wake for each",
      async run({ open, waker }) {
        const store = await open();
        await store.create(listedDraft("a"));
        const [list, job] = [waker(), waker()];
        await store.watch({ subject: SUBJECT }, list.wake);
        await store.watch({ jobId: "a" }, job.wake);
        for (const percent of range(50)) {
          const seen = job.count();
          await store.write("a", change({ percent }));
          await job.wakeAfter(seen);
        }
        const wakes = list.count();
        assertTrue(wakes < 25, `The list of a subject was woken ${wakes} times by 50 writes.`);
      },
    },
    {
      name: "given the same text as subject and as job id, wakes the watchers of both",
      async run({ open, waker }) {
        const store = await open();
        const [list, job] = [waker(), waker()];
        await store.watch({ subject: "same" }, list.wake);
        await store.watch({ jobId: "same" }, job.wake);
        await store.create(draft("same", { subjects: ["same"] }));
        await Promise.all([list.wakeAfter(0), job.wakeAfter(0)]);
        const seen = job.count();
        await store.write("same", change({ percent: 1 }));
        await job.wakeAfter(seen);
        const before = list.count();
        await store.create(draft("other", { subjects: ["same"] }));
        await list.wakeAfter(before);
      },
    },
    {
      name: "given the end of a watch, does not wake it any more, and wakes the others",
      async run({ open, waker }) {
        const store = await open();
        const [ended, fence] = [waker(), waker()];
        const unwatch = await store.watch({ subject: SUBJECT }, ended.wake);
        await store.watch({ subject: SUBJECT }, fence.wake);
        await store.create(listedDraft("a"));
        await Promise.all([ended.wakeAfter(0), fence.wakeAfter(0)]);
        await unwatch();
        const before = ended.count();
        for (const id of jobIds(3)) {
          const seen = fence.count();
          await store.create(listedDraft(id));
          await fence.wakeAfter(seen);
        }
        assertEqual(ended.count(), before, "wakes before and after the end of the watch");
      },
    },
  ],
};
