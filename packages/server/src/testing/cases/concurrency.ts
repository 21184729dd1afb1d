import type { Cursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { holds, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, draft, line, readJob, upTo, versionOf } from "../given.js";

/** Fifty writers on one job, each with a field, a line and a word in a field of all: whichever store each goes through, nothing may be lost. */
export async function fiftyWriters(stores: readonly ProgressStore[]): Promise<void> {
  const [store] = stores;
  holds(store !== undefined, "There is no store to write to.");
  await store.create(draft("a"));
  const cursors = await Promise.all(
    upTo(50).map((by) => writeAs(stores[by % stores.length] ?? store, by)),
  );
  const versions = cursors.map(versionOf);
  same(
    [...versions].sort((a, b) => a - b),
    upTo(50).map((index) => index + 2),
    "the versions told to fifty writers",
  );
  const { cursor, set, log } = await readJob(store, "a");
  same(versionOf(cursor), 51, "the version after fifty writes");
  same(
    upTo(50).map((by) => set[`metadata.by${by}`]),
    upTo(50),
    "the field of each writer",
  );
  same(
    set.message,
    `writer ${versions.indexOf(51)}`,
    "the field of all, against the writer that came last",
  );
  same(
    log.map(({ n }) => n),
    upTo(50).map((index) => index + 1),
    "the numbers of the lines",
  );
  same(
    log.map(({ text, version }) => [text, version]),
    [...versions.entries()]
      .sort(([, a], [, b]) => a - b)
      .map(([by, version]) => [`line ${by}`, version]),
    "text and version of the lines",
  );
}

function writeAs(store: ProgressStore, by: number): Promise<Cursor> {
  return store.write(
    "a",
    change({ [`metadata.by${by}`]: by, message: `writer ${by}` }, { log: [line(`line ${by}`)] }),
  );
}

export const CONCURRENCY: CaseGroup = {
  group: "concurrency",
  cases: [
    {
      name: "given fifty writers at once, numbers each write and loses nothing",
      run: async ({ open }) => fiftyWriters([await open()]),
    },
    {
      name: "given writers at once and more lines than are kept, keeps the newest and skips no number",
      async run({ open }) {
        const store = await open({ maxLogLines: 7 });
        await store.create(draft("a"));
        const cursors = await Promise.all(
          upTo(30).map((by) => store.write("a", change({}, { log: [line(`line ${by}`)] }))),
        );
        const { cursor, log } = await readJob(store, "a");
        same(versionOf(cursor), 31, "the version after thirty writes");
        // One line with each version from 2 on: so the line of a version has the number before it.
        const kept = upTo(7).map((index) => index + 24);
        same(
          log.map(({ n, version, text }) => [n, version, text]),
          kept.map((n) => [
            n,
            n + 1,
            `line ${cursors.findIndex((told) => versionOf(told) === n + 1)}`,
          ]),
          "number, version and text of the lines kept",
        );
      },
    },
    {
      name: "given writers on many jobs at once, keeps the jobs apart",
      async run({ open }) {
        const store = await open();
        const ids = upTo(10).map((by) => `job-${by}`);
        await Promise.all(ids.map((id) => store.create(draft(id))));
        await Promise.all(
          upTo(50).map((by) =>
            store.write(
              `job-${by % 10}`,
              change({ [`metadata.m${by}`]: by }, { log: [line(`${by}`)] }),
            ),
          ),
        );
        for (const [index, id] of ids.entries()) {
          const { cursor, set, log } = await readJob(store, id);
          const own = upTo(5).map((round) => round * 10 + index);
          same(versionOf(cursor), 6, `the version of ${id}`);
          same(
            Object.keys(set)
              .filter((field) => field.startsWith("metadata."))
              .sort(),
            own.map((by) => `metadata.m${by}`).sort(),
            `the fields of ${id}`,
          );
          same(
            log.map(({ text }) => Number(text)).sort((a, b) => a - b),
            own,
            `the lines of ${id}`,
          );
        }
      },
    },
  ],
};
