import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  LONG_MS,
  lastWriteAt,
  line,
  readJob,
  renewal,
  SLACK_MS,
  versionOf,
  writeJob,
} from "../fixtures.js";
import { followDuring, reportAll } from "./watch.js";

/** The versions that wakes may have. A wake without a version is always right, but makes its reader read. */
export const WAKES: CaseGroup = {
  group: "wakes",
  cases: [
    {
      name: "given a wake with a version, that version can be read when the wake is called",
      async run({ open, waker }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        const { wake, wakeAfter, versions } = waker();
        const problems: Promise<readonly string[]>[] = [];
        await store.watch({ jobId: "a" }, (version) => {
          if (version !== undefined) problems.push(readProblems(store, version));
          wake(version);
        });
        await store.write("a", change({ message: "one" }));
        await store.write("a", change({}, { log: [line("two")] }));
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        await store.write("a", renewal(LONG_MS));
        const version = versionOf(await writeJob(store, "a", completion()));
        await wakeAfter(0, (last) => last === undefined || last >= version);
        assertEqual(
          (await Promise.all(problems)).flat(),
          [],
          "reads that returned an earlier version than the wake had",
        );
        assertEqual(
          versions().filter((each) => each !== undefined && !(each >= 1 && each <= version)),
          [],
          "versions that were never written",
        );
      },
    },
    {
      name: "given a reader that ignores wakes for versions it has, it gets everything up to the end",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const reader = { store, id: "a", waker: waker(), skipsKnown: true };
        const replica = await followDuring(reader, () => reportAll(store, "a"));
        assertEqual(replica, await readJob(store, "a"), "the reader's replica");
      },
    },
    {
      name: "given a job that expires, wakes without a version",
      async run({ open, waker }) {
        const store = await open({ ttlMs: LONG_MS });
        await store.create(draft("a"));
        await store.write("a", completion());
        const since = await lastWriteAt(store, "a");
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, wake);
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        await wakeAfter(0, (version) => version === undefined);
      },
    },
    {
      name: "given a creation, wakes without a version",
      async run({ open, waker }) {
        const store = await open();
        const { wake, wakeAfter, versions } = waker();
        await store.watch({ jobId: "a" }, wake);
        await store.create(draft("a"));
        await store.write("a", change({ message: "one" }));
        await wakeAfter(0, (version) => version === undefined || version >= 2);
        assertTrue(
          !versions().includes(1),
          "A wake had version 1. A reader of an earlier job with this id may have that version.",
        );
      },
    },
  ],
};

/** The problem of a read that a wake with a version caused; empty if the read returns that version or a later one. */
async function readProblems(
  store: Parameters<typeof readJob>[0],
  version: number,
): Promise<readonly string[]> {
  try {
    const { cursor } = await readJob(store, "a");
    return versionOf(cursor) >= version ? [] : [`${cursor} after a wake with version ${version}`];
  } catch (error) {
    // Returned instead of thrown: the test awaits this promise later, and a rejection must not be unhandled until then.
    return [String(error)];
  }
}
