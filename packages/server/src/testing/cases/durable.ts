import type { ProgressStore } from "../../core/store.js";
import { refused, same } from "../assert.js";
import type { CaseGroup, StoreCase } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  LONG_MS,
  leasedJob,
  line,
  NOTHING_SWEPT,
  readJob,
  renewal,
  SLACK_MS,
  settle,
  upTo,
  versionOf,
} from "../given.js";

/** Does something with one instance, closes it, and looks with the next one. */
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
      "given a store that was closed, the next one tells the same, and takes the same cursors",
      async (store) => {
        const { cursor } = await store.create(draft("a"));
        await store.write(
          "a",
          change({ "metadata.m": { deep: [1] } }, { log: upTo(7).map((by) => line(`${by}`)) }),
        );
        return {
          cursor,
          snapshot: await readJob(store, "a"),
          delta: await readJob(store, "a", cursor),
        };
      },
      async (store, { cursor, snapshot, delta }) => {
        same(await readJob(store, "a"), snapshot, "the snapshot");
        same(await readJob(store, "a", cursor), delta, "the delta");
        await store.write("a", change({}, { log: [line("next")] }));
        same(
          (await readJob(store, "a", snapshot.cursor)).log.map(({ n, version }) => [n, version]),
          [[8, 3]],
          "number and version of the next line",
        );
      },
    ),
    reopened(
      "given a store that was closed, the next one knows its keys and its ends",
      async (store) => {
        await store.create(draft("a", { key: "order 7" }));
        await store.write("a", completion());
      },
      async (store) => {
        same((await store.create(draft("b", { key: "order 7" }))).jobId, "a", "the key's job");
        await refused(
          store.write("a", change({ message: "late" })),
          "job-finished",
          "A write after the end",
        );
      },
    ),
    reopened(
      "given a store that was closed, the next one keeps to its leases, attempts and deadlines",
      async (store) => {
        const since = await leasedJob(store, "a");
        await store.write("a", change({ attempt: 2 }));
        await store.create(draft("b", { deadlineMs: LONG_MS }));
        return since;
      },
      async (store, since) => {
        await refused(
          store.write("a", renewal(1, 1)),
          "attempt-superseded",
          "A renewal of the earlier attempt",
        );
        same(
          await store.sweep(since + 2 * LONG_MS + SLACK_MS, 10),
          { ...NOTHING_SWEPT, lost: 1, timedOut: 1 },
          "the sweep's report",
        );
        same((await fieldsIn(store, "a")).status, "lost", "the status");
      },
    ),
    reopened(
      "given a store that was closed, the next one removes its jobs in time",
      async (store) => {
        await store.create(draft("a"));
        await store.write("a", completion());
        return Number((await fieldsIn(store, "a")).updatedAt);
      },
      async (store, since) => {
        same(await store.sweep(since + LONG_MS - 1, 10), NOTHING_SWEPT, "the report before ttlMs");
        same(
          await store.sweep(since + LONG_MS + SLACK_MS, 10),
          { ...NOTHING_SWEPT, expired: 1 },
          "the report after ttlMs",
        );
      },
    ),
    reopened(
      "given a close in mid-flight, the next one has all that was acknowledged, and no half of the rest",
      async (store) => {
        await store.create(draft("a"));
        const writes = upTo(20).map(async (by) => {
          await store.write("a", change({ [`metadata.by${by}`]: by }, { log: [line(`${by}`)] }));
          return by;
        });
        const [{ fulfilled }] = await Promise.all([settle(writes), store.close()]);
        return fulfilled;
      },
      async (store, acknowledged) => {
        const { cursor, set, log } = await readJob(store, "a");
        const kept = upTo(20).filter((by) => set[`metadata.by${by}`] === by);
        const lost = acknowledged.filter((by) => !kept.includes(by));
        same(lost, [], "writes that were acknowledged and are lost");
        same(versionOf(cursor), kept.length + 1, "the version, against the fields that are there");
        same(log.at(-1)?.n ?? 0, kept.length, "the number of the last line, against the fields");
        same(
          log.filter(({ text }) => !kept.includes(Number(text))),
          [],
          "lines whose field isn't there",
        );
      },
    ),
  ],
};
