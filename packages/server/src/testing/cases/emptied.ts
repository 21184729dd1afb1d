import type { ProgressStore } from "../../core/store.js";
import { holds, same } from "../assert.js";
import type { Bench } from "../bench.js";
import type { CaseGroup, Need, StoreCase } from "../case.js";
import {
  change,
  completion,
  draft,
  isGone,
  LONG_MS,
  leasedJob,
  line,
  NOTHING_SWEPT,
  parts,
  readJob,
  SLACK_MS,
  upTo,
} from "../given.js";

/** Fills a backend through one instance, empties it, and looks through the same one, which knows nothing of it. */
function afterEmptying<Kept>(
  name: string,
  before: (store: ProgressStore, bench: Bench) => Promise<Kept>,
  after: (store: ProgressStore, kept: Kept, bench: Bench) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: "emptied",
    async run(bench) {
      const store = await bench.open();
      const kept = await before(store, bench);
      await bench.empty();
      await after(store, kept, bench);
    },
  };
}

const BOTH: readonly Need[] = ["emptied", "shared"];

/** A job with some history: what a copy of it would still tell. */
async function oldJob(store: ProgressStore): Promise<string> {
  await store.create(draft("a", { key: "order 7" }));
  for (const by of upTo(5))
    await store.write("a", change({ [`metadata.old${by}`]: by }, { log: [line(`old ${by}`)] }));
  return (await readJob(store, "a")).cursor;
}

/** Creates the job of {@link oldJob} anew, and writes as often: so its versions are those that the old one had. */
async function newJob(store: ProgressStore): Promise<string> {
  const { cursor } = await store.create(draft("a", { key: "order 7" }));
  for (const by of upTo(5))
    await store.write("a", change({ percent: by }, { log: [line(`new ${by}`)] }));
  return cursor;
}

/** Fails unless a reader of the old job is told the whole new one, and nothing of what it had. */
async function assertReset(store: ProgressStore, old: string): Promise<void> {
  const snapshot = await readJob(store, "a");
  same(await readJob(store, "a", old), snapshot, "what a reader of the old job is told");
  same(
    Object.keys(snapshot.set).filter((field) => field.startsWith("metadata.")),
    [],
    "what is left of the old job's fields",
  );
  same(
    snapshot.log.map(({ n, text }) => [n, text]),
    upTo(5).map((by) => [by + 1, `new ${by}`]),
    "number and text of the lines",
  );
}

export const EMPTIED: CaseGroup = {
  group: "emptied",
  cases: [
    afterEmptying(
      "given a backend that lost everything, lets go of its jobs",
      oldJob,
      async (store, old) => {
        for (const after of [undefined, old])
          holds(await isGone(store, "a", after), "The job is told, though its backend lost it.");
      },
    ),
    afterEmptying(
      "given a lost job that is created anew, begins a new epoch, and an old cursor starts over",
      oldJob,
      async (store, old) => {
        const cursor = await newJob(store);
        holds(parts(cursor).epoch !== parts(old).epoch, "The new job has the old one's epoch.");
        same(parts(cursor).version, 1, "the first version");
        await assertReset(store, old);
      },
    ),
    afterEmptying(
      "given a lost job that was watched, wakes when it is created anew and written to",
      async (store, { waker }) => {
        await oldJob(store);
        const watching = waker();
        await store.watch("a", watching.wake);
        return watching;
      },
      async (store, { count, past }) => {
        const seen = count();
        await newJob(store);
        await past(seen);
      },
    ),
    afterEmptying(
      "given leases, deadlines and ends that were lost, sweeps nothing, and works on",
      async (store) => {
        await store.create(draft("ended"));
        await store.write("ended", completion());
        return leasedJob(store, "a", { deadlineMs: LONG_MS });
      },
      async (store, since) => {
        const now = since + 2 * LONG_MS + SLACK_MS;
        same(await store.sweep(now, 10), NOTHING_SWEPT, "the sweep's report");
        await leasedJob(store, "a");
        same((await store.sweep(now, 10)).lost, 1, "jobs lost of those created since");
      },
    ),
    {
      name: "given another instance, it too tells a reader of the old job the whole new one",
      needs: BOTH,
      async run({ open, empty }) {
        const [store, other] = [await open(), await open()];
        const old = await oldJob(store);
        same((await readJob(other, "a", old)).cursor, old, "the cursor that the other tells");
        await empty();
        await newJob(store);
        await assertReset(other, old);
      },
    },
  ],
};
