import type { Cursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, draft, line, range, readJob, versionOf, writeJob } from "../fixtures.js";

/**
 * Fifty concurrent writes to one job, spread over the stores. Each sets its own field and a common one, and appends a
 * line.
 */
export async function fiftyWriters(stores: readonly ProgressStore[]): Promise<void> {
  const [store] = stores;
  assertTrue(store !== undefined, "fiftyWriters() needs at least one store.");
  await store.create(draft("a"));
  const cursors = await Promise.all(
    range(50).map((by) => writeAs(stores[by % stores.length] ?? store, by)),
  );
  const versions = cursors.map(versionOf);
  assertEqual(
    [...versions].sort((a, b) => a - b),
    range(50).map((index) => index + 2),
    "the versions returned to fifty writers",
  );
  const { cursor, set, log } = await readJob(store, "a");
  assertEqual(versionOf(cursor), 51, "the version after fifty writes");
  assertEqual(
    range(50).map((by) => set[`metadata.by${by}`]),
    range(50),
    "the field of each writer",
  );
  assertEqual(
    set.message,
    `writer ${versions.indexOf(51)}`,
    "the common field, which the last writer set",
  );
  assertEqual(
    log.map(({ n }) => n),
    range(50).map((index) => index + 1),
    "the numbers of the lines",
  );
  assertEqual(
    log.map(({ text, version }) => [text, version]),
    [...versions.entries()]
      .sort(([, a], [, b]) => a - b)
      .map(([by, version]) => [`line ${by}`, version]),
    "text and version of the lines",
  );
}

function writeAs(store: ProgressStore, by: number): Promise<Cursor> {
  return writeJob(
    store,
    "a",
    change({ [`metadata.by${by}`]: by, message: `writer ${by}` }, { log: [line(`line ${by}`)] }),
  );
}

export const CONCURRENCY: CaseGroup = {
  group: "concurrency",
  cases: [
    {
      name: "given fifty concurrent writers, numbers each write and loses nothing",
      run: async ({ open }) => fiftyWriters([await open()]),
    },
    {
      name: "given concurrent writers and more lines than are kept, keeps the newest and skips no number",
      async run({ open }) {
        const store = await open({ maxLogLines: 7 });
        await store.create(draft("a"));
        const cursors = await Promise.all(
          range(30).map((by) => writeJob(store, "a", change({}, { log: [line(`line ${by}`)] }))),
        );
        const { cursor, log } = await readJob(store, "a");
        assertEqual(versionOf(cursor), 31, "the version after thirty writes");
        // Each version from 2 on appended one line, so line n has version n + 1.
        const kept = range(7).map((index) => index + 24);
        assertEqual(
          log.map(({ n, version, text }) => [n, version, text]),
          kept.map((n) => [
            n,
            n + 1,
            `line ${cursors.findIndex((each) => versionOf(each) === n + 1)}`,
          ]),
          "number, version and text of the kept lines",
        );
      },
    },
    {
      name: "given concurrent writers of many jobs, keeps the jobs apart",
      async run({ open }) {
        const store = await open();
        const ids = range(10).map((by) => `job-${by}`);
        await Promise.all(ids.map((id) => store.create(draft(id))));
        await Promise.all(
          range(50).map((by) =>
            store.write(
              `job-${by % 10}`,
              change({ [`metadata.m${by}`]: by }, { log: [line(`${by}`)] }),
            ),
          ),
        );
        for (const [index, id] of ids.entries()) {
          const { cursor, set, log } = await readJob(store, id);
          const own = range(5).map((round) => round * 10 + index);
          assertEqual(versionOf(cursor), 6, `the version of ${id}`);
          assertEqual(
            Object.keys(set)
              .filter((field) => field.startsWith("metadata."))
              .sort(),
            own.map((by) => `metadata.m${by}`).sort(),
            `the fields of ${id}`,
          );
          assertEqual(
            log.map(({ text }) => Number(text)).sort((a, b) => a - b),
            own,
            `the lines of ${id}`,
          );
        }
      },
    },
  ],
};
