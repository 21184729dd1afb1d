import type { TerminalStatus } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { holds, refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  line,
  readJob,
  renewal,
  settle,
  upTo,
  versionOf,
} from "../given.js";

const STATUSES: readonly TerminalStatus[] = [
  "completed",
  "failed",
  "cancelled",
  "lost",
  "timed-out",
];

/** Forty updates and an end at once: whichever store each goes through, what was accepted came before the end, and is kept. */
export async function endRacingUpdates(stores: readonly ProgressStore[]): Promise<void> {
  const [store] = stores;
  holds(store !== undefined, "There is no store to write to.");
  await store.create(draft("a"));
  const writes = upTo(41).map(async (by) => {
    const cursor = await (stores[by % stores.length] ?? store).write(
      "a",
      by === 20 ? completion(by) : change({ [`metadata.m${by}`]: by }),
    );
    return { by, version: versionOf(cursor) };
  });
  const { fulfilled, rejected } = await settle(writes);
  for (const reason of rejected)
    await refused(Promise.reject(reason), "job-finished", "An update after the end");
  const versions = fulfilled.map(({ version }) => version).sort((a, b) => a - b);
  same(
    versions,
    upTo(fulfilled.length).map((index) => index + 2),
    "the versions that were told",
  );
  const end = fulfilled.find(({ by }) => by === 20);
  holds(end !== undefined, "The end was refused, though there was no other.");
  same(end.version, versions.at(-1), "the version of the end, as the last");
  const accepted = fulfilled
    .filter(({ by }) => by !== 20)
    .map(({ by }) => `metadata.m${by}`)
    .sort();
  for (const reader of stores) {
    const kept = Object.keys(await fieldsIn(reader, "a"))
      .filter((field) => field.startsWith("metadata."))
      .sort();
    same(kept, accepted, "the updates that are kept, against those that were accepted");
  }
}

export const END: CaseGroup = {
  group: "end",
  cases: [
    {
      name: "given any terminal status, refuses every later write",
      async run({ open }) {
        const store = await open();
        for (const status of STATUSES) {
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
            await refused(store.write(status, each), "job-finished", `A write after "${status}"`);
          same(await readJob(store, status), before, `the job that is ${status}`);
        }
      },
    },
    {
      name: "given the end, refuses to renew the lease, so that a worker learns of it",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ status: "cancelled" }));
        await refused(store.write("a", renewal(1000)), "job-finished", "A renewal after the end");
        await refused(
          store.write("a", renewal(0)),
          "job-finished",
          "Giving up the lease after the end",
        );
      },
    },
    {
      name: "given the end, tells it to every reader, however many have read it",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        await store.write("a", completion({ url: "/v.mp4" }));
        const first = await readJob(store, "a", cursor);
        same(
          [first.set.status, first.set.result],
          ["completed", { url: "/v.mp4" }],
          "the end, as first read",
        );
        same(await readJob(store, "a", cursor), first, "the end, as read again");
        same((await fieldsIn(store, "a")).status, "completed", "the end in the snapshot");
      },
    },
    {
      name: "given fifty ends at once, takes one and refuses the others",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const { fulfilled, rejected } = await settle(
          upTo(50).map((by) => store.write("a", completion(by)).then((cursor) => ({ by, cursor }))),
        );
        same([fulfilled.length, rejected.length], [1, 49], "ends taken and refused");
        for (const reason of rejected)
          await refused(Promise.reject(reason), "job-finished", "A second end");
        const { cursor, set } = await readJob(store, "a");
        same(
          [set.result, cursor],
          [fulfilled[0]?.by, fulfilled[0]?.cursor],
          "the end that is kept",
        );
      },
    },
    {
      name: "given an end that races updates, keeps just what came before it",
      run: async ({ open }) => endRacingUpdates([await open()]),
    },
  ],
};
