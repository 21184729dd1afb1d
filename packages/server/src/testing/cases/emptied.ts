import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup, Need, StoreCase } from "../case.js";
import type { TestContext } from "../context.js";
import {
  change,
  completion,
  createLeasedJob,
  cursorParts,
  draft,
  isRemoved,
  LONG_MS,
  line,
  NOTHING_SWEPT,
  range,
  readJob,
  SLACK_MS,
} from "../fixtures.js";

/** Fills a backend through one instance, empties it, and reads through the same instance, which is not notified. */
function afterEmptying<Kept>(
  name: string,
  before: (store: ProgressStore, context: TestContext) => Promise<Kept>,
  after: (store: ProgressStore, kept: Kept, context: TestContext) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: "emptied",
    async run(context) {
      const store = await context.open();
      const kept = await before(store, context);
      await context.empty();
      await after(store, kept, context);
    },
  };
}

const SHARED_AND_EMPTIED: readonly Need[] = ["emptied", "shared"];

/** Creates a job and writes to it. A store that keeps a copy in its process could still return it. */
async function createOldJob(store: ProgressStore): Promise<string> {
  await store.create(draft("a", { key: "order 7" }));
  for (const by of range(5))
    await store.write("a", change({ [`metadata.old${by}`]: by }, { log: [line(`old ${by}`)] }));
  return (await readJob(store, "a")).cursor;
}

/** Creates the job of {@link createOldJob} again, and writes as often, so that both jobs had the same versions. */
async function createNewJob(store: ProgressStore): Promise<string> {
  const { cursor } = await store.create(draft("a", { key: "order 7" }));
  for (const by of range(5))
    await store.write("a", change({ percent: by }, { log: [line(`new ${by}`)] }));
  return cursor;
}

/** Fails the test unless a reader of the old job gets the whole new one, and nothing of the old one. */
async function assertReset(store: ProgressStore, old: string): Promise<void> {
  const snapshot = await readJob(store, "a");
  assertEqual(await readJob(store, "a", old), snapshot, "the delta of a reader of the old job");
  assertEqual(
    Object.keys(snapshot.set).filter((field) => field.startsWith("metadata.")),
    [],
    "fields of the old job",
  );
  assertEqual(
    snapshot.log.map(({ n, text }) => [n, text]),
    range(5).map((by) => [by + 1, `new ${by}`]),
    "number and text of the lines",
  );
}

export const EMPTIED: CaseGroup = {
  group: "emptied",
  cases: [
    afterEmptying(
      "given a backend that lost its data, does not return its jobs any more",
      createOldJob,
      async (store, old) => {
        for (const after of [undefined, old])
          assertTrue(
            await isRemoved(store, "a", after),
            "read() returned a job that the backend has lost.",
          );
      },
    ),
    afterEmptying("given a lost job, remove() returns false", createOldJob, async (store) => {
      assertEqual(await store.remove("a"), false, "the result of remove()");
    }),
    afterEmptying(
      "given a lost job that is created again, begins a new epoch, and an old cursor gets a reset",
      createOldJob,
      async (store, old) => {
        const cursor = await createNewJob(store);
        assertTrue(
          cursorParts(cursor).epoch !== cursorParts(old).epoch,
          "The new job has the epoch of the old one.",
        );
        assertEqual(cursorParts(cursor).version, 1, "the first version");
        await assertReset(store, old);
      },
    ),
    afterEmptying(
      "given a lost job that was watched, wakes its watchers when it is created again and written to",
      async (store, { waker }) => {
        await createOldJob(store);
        const watching = waker();
        await store.watch({ jobId: "a" }, watching.wake);
        return watching;
      },
      async (store, { count, wakeAfter }) => {
        const seen = count();
        await createNewJob(store);
        await wakeAfter(seen);
      },
    ),
    afterEmptying(
      "given lost leases, deadlines and ends, sweeps none of them, and sweeps later ones",
      async (store) => {
        await store.create(draft("ended"));
        await store.write("ended", completion());
        return createLeasedJob(store, "a", { deadlineMs: LONG_MS });
      },
      async (store, since) => {
        const now = since + 2 * LONG_MS + SLACK_MS;
        assertEqual(await store.sweep(now, 10), NOTHING_SWEPT, "the sweep's report");
        await createLeasedJob(store, "a");
        assertEqual((await store.sweep(now, 10)).stale, 1, "stale jobs among those created since");
        assertEqual(
          (await store.sweep(now + LONG_MS + SLACK_MS, 10)).lost,
          1,
          "lost jobs among them",
        );
      },
    ),
    {
      name: "given another instance, it returns the whole new job to a reader of the old one",
      needs: SHARED_AND_EMPTIED,
      async run({ open, empty }) {
        const [store, other] = [await open(), await open()];
        const old = await createOldJob(store);
        assertEqual(
          (await readJob(other, "a", old)).cursor,
          old,
          "the cursor that the other instance returns",
        );
        await empty();
        await createNewJob(store);
        await assertReset(other, old);
      },
    },
  ],
};
