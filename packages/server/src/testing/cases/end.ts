import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  line,
  outcomesOf,
  range,
  readFields,
  readJob,
  renewal,
  TERMINAL_STATUSES,
  versionOf,
  writeJob,
} from "../fixtures.js";

/**
 * Forty updates and an end, concurrently, spread over the stores. Each update is accepted before the end and kept, or
 * refused after it.
 */
export async function endRacingUpdates(stores: readonly ProgressStore[]): Promise<void> {
  const [store] = stores;
  assertTrue(store !== undefined, "endRacingUpdates() needs at least one store.");
  await store.create(draft("a"));
  const writes = range(41).map(async (by) => {
    const cursor = await writeJob(
      stores[by % stores.length] ?? store,
      "a",
      by === 20 ? completion(by) : change({ [`metadata.m${by}`]: by }),
    );
    return { by, version: versionOf(cursor) };
  });
  const { fulfilled, rejected } = await outcomesOf(writes);
  for (const reason of rejected)
    await assertRejects(Promise.reject(reason), "job-finished", "An update after the end");
  const versions = fulfilled.map(({ version }) => version).sort((a, b) => a - b);
  assertEqual(
    versions,
    range(fulfilled.length).map((index) => index + 2),
    "the returned versions",
  );
  const end = fulfilled.find(({ by }) => by === 20);
  assertTrue(end !== undefined, "The end was refused, although the job had no other one.");
  assertEqual(end.version, versions.at(-1), "the version of the end, as the last");
  const accepted = fulfilled
    .filter(({ by }) => by !== 20)
    .map(({ by }) => `metadata.m${by}`)
    .sort();
  for (const reader of stores) {
    const kept = Object.keys(await readFields(reader, "a"))
      .filter((field) => field.startsWith("metadata."))
      .sort();
    assertEqual(kept, accepted, "the stored updates, compared with the accepted ones");
  }
}

export const END: CaseGroup = {
  group: "end",
  cases: [
    {
      name: "given any terminal status, refuses every later write",
      async run({ open }) {
        const store = await open();
        for (const status of TERMINAL_STATUSES) {
          await store.create(draft(status));
          await store.write(status, change({ status }));
          const before = await readJob(store, status);
          const late = [
            change({ message: "late" }),
            change({ status: "running" }),
            change({ status }),
            change({}, { log: [line("late")] }),
            change({ attempt: 2 }),
          ];
          for (const each of late)
            await assertRejects(
              store.write(status, each),
              "job-finished",
              `A write after "${status}"`,
            );
          assertEqual(await readJob(store, status), before, `the job that is ${status}`);
        }
      },
    },
    {
      name: "given the end, refuses to renew the lease and to give it up",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ status: "cancelled" }));
        await assertRejects(
          store.write("a", renewal(1000)),
          "job-finished",
          "A renewal after the end",
        );
        await assertRejects(
          store.write("a", renewal(0)),
          "job-finished",
          "Giving up the lease after the end",
        );
      },
    },
    {
      name: "given the end, returns it to every reader, again and again",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        await store.write("a", completion({ url: "/v.mp4" }));
        const first = await readJob(store, "a", cursor);
        assertEqual(
          [first.set.status, first.set.result],
          ["completed", { url: "/v.mp4" }],
          "the end, as first read",
        );
        assertEqual(await readJob(store, "a", cursor), first, "the end, as read again");
        assertEqual((await readFields(store, "a")).status, "completed", "the end in the snapshot");
      },
    },
    {
      name: "given fifty concurrent ends, accepts one and refuses the others",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const { fulfilled, rejected } = await outcomesOf(
          range(50).map((by) =>
            writeJob(store, "a", completion(by)).then((cursor) => ({ by, cursor })),
          ),
        );
        assertEqual([fulfilled.length, rejected.length], [1, 49], "ends accepted and refused");
        for (const reason of rejected)
          await assertRejects(Promise.reject(reason), "job-finished", "A second end");
        const { cursor, set } = await readJob(store, "a");
        assertEqual(
          [set.result, cursor],
          [fulfilled[0]?.by, fulfilled[0]?.cursor],
          "the stored end",
        );
      },
    },
    {
      name: "given an end concurrent with updates, keeps exactly the updates that were accepted",
      run: async ({ open }) => endRacingUpdates([await open()]),
    },
  ],
};
