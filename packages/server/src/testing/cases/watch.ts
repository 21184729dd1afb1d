import {
  applyDelta,
  type Delta,
  deltaAfter,
  emptyReplica,
  replicaCursor,
} from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { holds, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, completion, draft, line, readJob, upTo } from "../given.js";
import type { Waker } from "../waker.js";

/** One who follows a job by its wakes alone, as the hub would without its re-reads. */
interface Follower {
  readonly store: ProgressStore;
  readonly id: string;
  readonly waker: Waker;
  /** Whether it passes over a wake that tells a version which it has; else it reads at each. */
  readonly isTrusting?: boolean;
}

/**
 * Follows a job while `work` is done to it.
 *
 * @returns the follower's copy once the job has ended.
 */
export async function followDuring(follower: Follower, work: () => Promise<void>): Promise<Delta> {
  const unwatch = await follower.store.watch(follower.id, follower.waker.wake);
  const [copy] = await Promise.all([follow(follower), work()]);
  await unwatch();
  return copy;
}

async function follow({ store, id, waker, isTrusting = false }: Follower): Promise<Delta> {
  const replica = emptyReplica();
  for (;;) {
    const seen = waker.count();
    const { version } = replica;
    applyDelta(
      replica,
      await readJob(store, id, version === 0 ? undefined : replicaCursor(replica)),
    );
    if (replica.done) return deltaAfter(replica);
    await waker.past(seen, (told) => !isTrusting || told === undefined || told > replica.version);
  }
}

/** Thirty changes and the end. */
export async function reportAll(store: ProgressStore, id: string): Promise<void> {
  for (const percent of upTo(30))
    await store.write(id, change({ percent }, { log: [line(`${percent}`)] }));
  await store.write(id, completion("there"));
}

export const WATCH: CaseGroup = {
  group: "watch",
  cases: [
    {
      name: "given a watch, wakes at each kind of change: fields, lines, the end",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const { wake, count, past } = waker();
        await store.watch("a", wake);
        for (const each of [
          change({ message: "one" }),
          change({}, { log: [line("one")] }),
          completion(),
        ]) {
          const seen = count();
          await store.write("a", each);
          await past(seen);
        }
      },
    },
    {
      name: "given a wake, what it tells of can be read",
      async run({ open, waker }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        const { wake, past } = waker();
        await store.watch("a", () => {
          // Any wake may be one for nothing, or a late one of the creation: it counts if its read tells of the write.
          readJob(store, "a", cursor).then(({ set }) => set.message === "one" && wake(), String);
        });
        await store.write("a", change({ message: "one" }));
        await past(0);
      },
    },
    {
      name: "given a reader that looks only when woken, it gets everything up to the end",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const reader = { store, id: "a", waker: waker() };
        const copy = await followDuring(reader, () => reportAll(store, "a"));
        same(copy, await readJob(store, "a"), "the reader's copy of the job");
      },
    },
    {
      name: "given a change between watch and read, misses nothing",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const first = waker();
        await store.watch("a", first.wake);
        await store.write("a", change({ message: "one" }));
        const { cursor, set } = await readJob(store, "a");
        same(set.message, "one", "what a read after the watch tells");
        await first.past(0);
        const seen = first.count();
        await store.write("a", change({ message: "two" }));
        await first.past(seen);
        same((await readJob(store, "a", cursor)).set.message, "two", "what the next read tells");
      },
    },
    {
      name: "given several watches, wakes each, and the end of one ends no other",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const [first, second] = [waker(), waker()];
        const unwatch = await store.watch("a", first.wake);
        await store.watch("a", second.wake);
        await store.write("a", change({ message: "one" }));
        await Promise.all([first.past(0), second.past(0)]);
        await unwatch();
        const seen = second.count();
        await store.write("a", change({ message: "two" }));
        await second.past(seen);
      },
    },
    {
      name: "given one function that watches twice, ends one watch and keeps the other",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const { wake, count, past } = waker();
        const unwatch = await store.watch("a", wake);
        await store.watch("a", wake);
        await unwatch();
        await unwatch();
        const seen = count();
        await store.write("a", change({ message: "one" }));
        await past(seen);
      },
    },
    {
      name: "given the end of a watch, wakes it no more",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const [ended, fence] = [waker(), waker()];
        const unwatch = await store.watch("a", ended.wake);
        // What wakes the one would wake the other: when this one was woken often, nothing is still on its way to the first.
        await store.watch("a", fence.wake);
        await store.write("a", change({ message: "one" }));
        await Promise.all([ended.past(0), fence.past(0)]);
        await unwatch();
        const before = ended.count();
        for (const percent of upTo(3)) {
          const seen = fence.count();
          await store.write("a", change({ percent }));
          await fence.past(seen);
        }
        same(ended.count(), before, "wakes before and after the end of the watch");
        await unwatch();
      },
    },
    {
      name: "given an unknown job, may be watched, and wakes once it is written to",
      async run({ open, waker }) {
        const store = await open();
        const { wake, past } = waker();
        const unwatch = await store.watch("a", wake);
        await store.create(draft("a"));
        await store.write("a", change({ message: "one" }));
        await past(0);
        await unwatch();
      },
    },
    {
      name: "given a wake that throws, harms neither the write nor the other watches",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        let thrown = 0;
        await store.watch("a", () => {
          thrown += 1;
          throw new Error("a wake of the suite's that throws");
        });
        const { wake, past } = waker();
        await store.watch("a", wake);
        const cursor = await store.write("a", change({ message: "one" }));
        await past(0);
        same((await readJob(store, "a")).cursor, cursor, "the cursor after the write");
        holds(thrown > 0, "The first watch was not woken.");
      },
    },
  ],
};
