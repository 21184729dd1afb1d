import { applyDelta, type Delta, deltaAfter, emptyReplica } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, completion, draft, line, range, readJob, writeJob } from "../fixtures.js";
import type { Waker } from "../waker.js";

/** A reader that reads a job only after a wake, as the hub would without its periodic reads. */
interface Follower {
  readonly store: ProgressStore;
  readonly id: string;
  readonly waker: Waker;
  /** Whether it ignores a wake with a version that it has. Otherwise it reads after each wake. */
  readonly skipsKnown?: boolean;
}

/**
 * Follows a job while `work` runs.
 *
 * @returns the state of the follower's replica after the job has ended.
 */
export async function followDuring(follower: Follower, work: () => Promise<void>): Promise<Delta> {
  const unwatch = await follower.store.watch({ jobId: follower.id }, follower.waker.wake);
  const [replica] = await Promise.all([follow(follower), work()]);
  await unwatch();
  return replica;
}

async function follow({ store, id, waker, skipsKnown = false }: Follower): Promise<Delta> {
  const replica = emptyReplica();
  for (;;) {
    const seen = waker.count();
    const { version } = replica;
    applyDelta(replica, await readJob(store, id, version === 0 ? undefined : replica.cursor));
    if (replica.done) return deltaAfter(replica);
    await waker.wakeAfter(
      seen,
      (woken) => !skipsKnown || woken === undefined || woken > replica.version,
    );
  }
}

/** Writes thirty changes and the end. */
export async function reportAll(store: ProgressStore, id: string): Promise<void> {
  for (const percent of range(30))
    await store.write(id, change({ percent }, { log: [line(`${percent}`)] }));
  await store.write(id, completion("there"));
}

export const WATCH: CaseGroup = {
  group: "watch",
  cases: [
    {
      name: "given a watch, wakes after each kind of change: fields, lines, the end",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const { wake, count, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        for (const each of [
          change({ message: "one" }),
          change({}, { log: [line("one")] }),
          completion(),
        ]) {
          const seen = count();
          await store.write("a", each);
          await wakeAfter(seen);
        }
      },
    },
    {
      name: "given a wake, the change that caused it can be read",
      async run({ open, waker }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, () => {
          // A wake may come without a change, or late for the creation. It counts if the read returns the write.
          readJob(store, "a", cursor).then(({ set }) => set.message === "one" && wake(), String);
        });
        await store.write("a", change({ message: "one" }));
        await wakeAfter(0);
      },
    },
    {
      name: "given a reader that reads after each wake, it gets everything up to the end",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const reader = { store, id: "a", waker: waker() };
        const replica = await followDuring(reader, () => reportAll(store, "a"));
        assertEqual(replica, await readJob(store, "a"), "the reader's replica");
      },
    },
    {
      name: "given a change between watch and read, the reader misses nothing",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const first = waker();
        await store.watch({ jobId: "a" }, first.wake);
        await store.write("a", change({ message: "one" }));
        const { cursor, set } = await readJob(store, "a");
        assertEqual(set.message, "one", "the message that a read after the watch returns");
        await first.wakeAfter(0);
        const seen = first.count();
        await store.write("a", change({ message: "two" }));
        await first.wakeAfter(seen);
        assertEqual(
          (await readJob(store, "a", cursor)).set.message,
          "two",
          "the message that the next read returns",
        );
      },
    },
    {
      name: "given several watches, wakes each, and the end of one does not end another",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const [first, second] = [waker(), waker()];
        const unwatch = await store.watch({ jobId: "a" }, first.wake);
        await store.watch({ jobId: "a" }, second.wake);
        await store.write("a", change({ message: "one" }));
        await Promise.all([first.wakeAfter(0), second.wakeAfter(0)]);
        await unwatch();
        const seen = second.count();
        await store.write("a", change({ message: "two" }));
        await second.wakeAfter(seen);
      },
    },
    {
      name: "given two watches with the same function, the end of one does not end the other",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const { wake, count, wakeAfter } = waker();
        const unwatch = await store.watch({ jobId: "a" }, wake);
        await store.watch({ jobId: "a" }, wake);
        await unwatch();
        await unwatch();
        const seen = count();
        await store.write("a", change({ message: "one" }));
        await wakeAfter(seen);
      },
    },
    {
      name: "given the end of a watch, does not wake it any more",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const [ended, fence] = [waker(), waker()];
        const unwatch = await store.watch({ jobId: "a" }, ended.wake);
        // Both would be woken by the same changes. After several wakes of this one, no wake of the first is still
        // pending.
        await store.watch({ jobId: "a" }, fence.wake);
        await store.write("a", change({ message: "one" }));
        await Promise.all([ended.wakeAfter(0), fence.wakeAfter(0)]);
        await unwatch();
        const before = ended.count();
        for (const percent of range(3)) {
          const seen = fence.count();
          await store.write("a", change({ percent }));
          await fence.wakeAfter(seen);
        }
        assertEqual(ended.count(), before, "wakes before and after the end of the watch");
        await unwatch();
      },
    },
    {
      name: "given an unknown job, can be watched, and wakes after it is created and written to",
      async run({ open, waker }) {
        const store = await open();
        const { wake, wakeAfter } = waker();
        const unwatch = await store.watch({ jobId: "a" }, wake);
        await store.create(draft("a"));
        await store.write("a", change({ message: "one" }));
        await wakeAfter(0);
        await unwatch();
      },
    },
    {
      name: "given a wake that throws, the write resolves and the other watches are woken",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        let thrown = 0;
        await store.watch({ jobId: "a" }, () => {
          thrown += 1;
          throw new Error("This wake of the suite throws.");
        });
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        const cursor = await writeJob(store, "a", change({ message: "one" }));
        await wakeAfter(0);
        assertEqual((await readJob(store, "a")).cursor, cursor, "the cursor after the write");
        assertTrue(thrown > 0, "The first watch was not woken.");
      },
    },
  ],
};
