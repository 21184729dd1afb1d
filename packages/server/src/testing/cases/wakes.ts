import { holds, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  LONG_MS,
  leasedJob,
  line,
  readJob,
  renewal,
  SLACK_MS,
  versionOf,
  writtenAt,
} from "../given.js";
import { followDuring, reportAll } from "./watch.js";

/** What a wake may tell. One that tells nothing is right everywhere, and costs its reader a read. */
export const WAKES: CaseGroup = {
  group: "wakes",
  cases: [
    {
      name: "given a wake that tells a version, that version can be read by then",
      async run({ open, waker }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        const { wake, past, told } = waker();
        const complaints: Promise<readonly string[]>[] = [];
        await store.watch("a", (version) => {
          if (version !== undefined) complaints.push(readBy(store, version));
          wake(version);
        });
        await store.write("a", change({ message: "one" }));
        await store.write("a", change({}, { log: [line("two")] }));
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        await store.write("a", renewal(LONG_MS));
        const version = versionOf(await store.write("a", completion()));
        await past(0, (last) => last === undefined || last >= version);
        same((await Promise.all(complaints)).flat(), [], "reads that didn't have the version told");
        same(
          told().filter((each) => each !== undefined && !(each >= 1 && each <= version)),
          [],
          "versions told that there never were",
        );
      },
    },
    {
      name: "given a reader that reads only when a wake tells of something new, it gets everything up to the end",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const reader = { store, id: "a", waker: waker(), isTrusting: true };
        const copy = await followDuring(reader, () => reportAll(store, "a"));
        same(copy, await readJob(store, "a"), "the reader's copy of the job");
      },
    },
    {
      name: "given a removal, tells no version, so that nobody takes it for known",
      async run({ open, waker }) {
        const store = await open({ ttlMs: LONG_MS });
        await store.create(draft("a"));
        await store.write("a", completion());
        const since = await writtenAt(store, "a");
        const { wake, past } = waker();
        await store.watch("a", wake);
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        await past(0, (told) => told === undefined);
      },
    },
    {
      name: "given a creation, tells no version, since versions begin anew",
      async run({ open, waker }) {
        const store = await open();
        const { wake, past, told } = waker();
        await store.watch("a", wake);
        await store.create(draft("a"));
        await store.write("a", change({ message: "one" }));
        await past(0, (version) => version === undefined || version >= 2);
        holds(!told().includes(1), "A wake told version 1, which a reader of an earlier job had.");
      },
    },
  ],
};

/** What is wrong with a read that a wake with a version began; nothing, if it has that version. */
async function readBy(
  store: Parameters<typeof readJob>[0],
  version: number,
): Promise<readonly string[]> {
  try {
    const { cursor } = await readJob(store, "a");
    return versionOf(cursor) >= version ? [] : [`${cursor} at a wake for ${version}`];
  } catch (error) {
    // Nobody waits for it yet, and it must not go unhandled.
    return [String(error)];
  }
}
