import { printCursor } from "@emlinh/progress-protocol";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, cursorParts, draft, line, range, readJob, writeJob } from "../fixtures.js";

const MALFORMED: readonly string[] = [
  "",
  ".",
  "1",
  "abc",
  "abc.",
  ".1",
  "abc.-1",
  "abc.01",
  "abc.1.5",
  "abc.1e3",
  "abc.1 ",
  " abc.1",
  "abc.1\n",
  "abc.9007199254740993",
  "a b.1",
  "é.1",
  "abc.１",
  `${"x".repeat(60)}.1`,
  "__proto__.1",
  "'; --",
];

export const CURSORS: CaseGroup = {
  group: "cursors",
  cases: [
    {
      name: "given the cursor of the last write, returns an empty delta",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const cursor = await writeJob(
          store,
          "a",
          change({ message: "one" }, { log: [line("one")] }),
        );
        const empty = { cursor, reset: false, set: {}, log: [], done: false };
        assertEqual(await readJob(store, "a", cursor), empty, "the delta after the last write");
      },
    },
    {
      name: "given an earlier cursor, returns exactly what changed after it",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const first = await writeJob(
          store,
          "a",
          change({ message: "one", percent: 1 }, { log: [line("one")] }),
        );
        const second = await writeJob(store, "a", change({ percent: 2 }, { log: [line("two")] }));
        const { cursor, reset, set, log } = await readJob(store, "a", first);
        assertEqual([cursor, reset], [second, false], "cursor and reset of the delta");
        assertEqual(Object.keys(set).sort(), ["percent", "updatedAt"], "the fields of the delta");
        assertEqual(set.percent, 2, "the field's value");
        assertEqual(
          log.map(({ text }) => text),
          ["two"],
          "the lines of the delta",
        );
      },
    },
    {
      name: "given a field that was set many times, returns its last value",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        for (const percent of range(20)) await store.write("a", change({ percent }));
        const { set } = await readJob(store, "a", cursor);
        assertEqual(
          set,
          { percent: 19, updatedAt: set.updatedAt ?? null },
          "the fields of the delta",
        );
      },
    },
    {
      name: "given a field set to null, returns the null",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const cursor = await writeJob(
          store,
          "a",
          change({ message: "one", "metadata.k": 1, "steps.s": { status: "running", percent: 1 } }),
        );
        await store.write("a", change({ message: null, "metadata.k": null, "steps.s": null }));
        const nulls = { message: null, "metadata.k": null, "steps.s": null };
        const { updatedAt: _, ...fields } = (await readJob(store, "a", cursor)).set;
        assertEqual(fields, nulls, "the fields of the delta");
      },
    },
    {
      name: "given several writes, raises the version by one with each and keeps the epoch",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        const { epoch } = cursorParts(cursor);
        for (const by of range(10)) {
          const next = await writeJob(
            store,
            "a",
            by % 2 === 0 ? change({ percent: by }) : change({}, { log: [line("x")] }),
          );
          assertEqual(cursorParts(next), { epoch, version: by + 2 }, "the cursor of a write");
          assertEqual((await readJob(store, "a")).cursor, next, "the cursor of a read after it");
        }
      },
    },
    {
      name: "given a job, returns cursors of at most 64 ASCII characters",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        assertTrue(
          /^[A-Za-z0-9_-]{1,40}\.[0-9]+$/.test(cursor),
          `${JSON.stringify(cursor)} is not a cursor`,
        );
        const { epoch } = cursorParts(cursor);
        assertTrue(
          printCursor({ epoch, version: Number.MAX_SAFE_INTEGER }).length <= 64,
          `the epoch ${epoch} is too long`,
        );
      },
    },
    {
      name: "given a malformed cursor, returns the whole state",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ message: "one" }, { log: [line("one")] }));
        const snapshot = await readJob(store, "a");
        for (const cursor of MALFORMED)
          assertEqual(
            await readJob(store, "a", cursor),
            snapshot,
            `the delta after ${JSON.stringify(cursor)}`,
          );
      },
    },
    {
      name: "given a cursor of another epoch, returns the whole state",
      async run({ open }) {
        const store = await open();
        const { cursor: foreign } = await store.create(draft("other"));
        const { cursor } = await store.create(draft("a"));
        await store.write("a", change({ message: "one" }, { log: [line("one")] }));
        const snapshot = await readJob(store, "a");
        const { epoch } = cursorParts(cursor);
        const longer = printCursor({ epoch: `${epoch}x`.slice(-40), version: 1 });
        for (const after of [foreign, "unknown.1", "unknown.2", longer])
          assertEqual(
            await readJob(store, "a", after),
            snapshot,
            `the delta after ${JSON.stringify(after)}`,
          );
      },
    },
    {
      name: "given a cursor from the future, returns the whole state",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const cursor = await writeJob(
          store,
          "a",
          change({ message: "one" }, { log: [line("one")] }),
        );
        const snapshot = await readJob(store, "a");
        const { epoch, version } = cursorParts(cursor);
        for (const future of [version + 1, version + 1000, Number.MAX_SAFE_INTEGER]) {
          const after = printCursor({ epoch, version: future });
          assertEqual(
            await readJob(store, "a", after),
            snapshot,
            `the delta after version ${future}`,
          );
        }
      },
    },
    {
      name: "given an unknown job, returns undefined, with a cursor and without",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        for (const id of ["b", "__proto__", "constructor"]) {
          assertEqual(await store.read(id), undefined, `the job "${id}"`);
          assertEqual(await store.read(id, cursor), undefined, `the job "${id}" after a cursor`);
        }
      },
    },
  ],
};
