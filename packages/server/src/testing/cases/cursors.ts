import { printCursor } from "@emlinh/progress-protocol";
import { holds, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, draft, line, parts, readJob, upTo } from "../given.js";

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
      name: "given the cursor of the last write, tells nothing",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const cursor = await store.write("a", change({ message: "one" }, { log: [line("one")] }));
        const nothing = { cursor, reset: false, set: {}, log: [] };
        same(await readJob(store, "a", cursor), nothing, "what came after the last write");
      },
    },
    {
      name: "given an earlier cursor, tells what came after it, and no more",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const first = await store.write(
          "a",
          change({ message: "one", percent: 1 }, { log: [line("one")] }),
        );
        const second = await store.write("a", change({ percent: 2 }, { log: [line("two")] }));
        const { cursor, reset, set, log } = await readJob(store, "a", first);
        same([cursor, reset], [second, false], "the delta's head");
        same(Object.keys(set).sort(), ["percent", "updatedAt"], "the fields told");
        same(set.percent, 2, "the field's value");
        same(
          log.map(({ text }) => text),
          ["two"],
          "the lines told",
        );
      },
    },
    {
      name: "given a field that was set many times, tells its last value once",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        for (const percent of upTo(20)) await store.write("a", change({ percent }));
        const { set } = await readJob(store, "a", cursor);
        same(set, { percent: 19, updatedAt: set.updatedAt ?? null }, "the fields told");
      },
    },
    {
      name: "given a field set to null, tells the null",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const cursor = await store.write(
          "a",
          change({ message: "one", "metadata.k": 1, "steps.s": { status: "running", percent: 1 } }),
        );
        await store.write("a", change({ message: null, "metadata.k": null, "steps.s": null }));
        const nulls = { message: null, "metadata.k": null, "steps.s": null };
        const { updatedAt: _, ...told } = (await readJob(store, "a", cursor)).set;
        same(told, nulls, "what a reader that came back is told");
      },
    },
    {
      name: "given a series of writes, raises the version by one with each and keeps the epoch",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        const { epoch } = parts(cursor);
        for (const by of upTo(10)) {
          const next = await store.write(
            "a",
            by % 2 === 0 ? change({ percent: by }) : change({}, { log: [line("x")] }),
          );
          same(parts(next), { epoch, version: by + 2 }, "the cursor of a write");
          same((await readJob(store, "a")).cursor, next, "the cursor of a read after it");
        }
      },
    },
    {
      name: "given a cursor, prints it in at most 64 ASCII characters",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        holds(
          /^[A-Za-z0-9_-]{1,40}\.[0-9]+$/.test(cursor),
          `${JSON.stringify(cursor)} is no cursor`,
        );
        const { epoch } = parts(cursor);
        holds(
          printCursor({ epoch, version: Number.MAX_SAFE_INTEGER }).length <= 64,
          `the epoch ${epoch} is too long`,
        );
      },
    },
    {
      name: "given a malformed cursor, tells the whole state",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ message: "one" }, { log: [line("one")] }));
        const snapshot = await readJob(store, "a");
        for (const cursor of MALFORMED)
          same(
            await readJob(store, "a", cursor),
            snapshot,
            `what ${JSON.stringify(cursor)} was told`,
          );
      },
    },
    {
      name: "given a cursor of another epoch, tells the whole state",
      async run({ open }) {
        const store = await open();
        const { cursor: foreign } = await store.create(draft("other"));
        const { cursor } = await store.create(draft("a"));
        await store.write("a", change({ message: "one" }, { log: [line("one")] }));
        const snapshot = await readJob(store, "a");
        const { epoch } = parts(cursor);
        const longer = printCursor({ epoch: `${epoch}x`.slice(-40), version: 1 });
        for (const after of [foreign, "unknown.1", "unknown.2", longer])
          same(
            await readJob(store, "a", after),
            snapshot,
            `what ${JSON.stringify(after)} was told`,
          );
      },
    },
    {
      name: "given a cursor from the future, tells the whole state",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const cursor = await store.write("a", change({ message: "one" }, { log: [line("one")] }));
        const snapshot = await readJob(store, "a");
        const { epoch, version } = parts(cursor);
        for (const future of [version + 1, version + 1000, Number.MAX_SAFE_INTEGER]) {
          const after = printCursor({ epoch, version: future });
          same(await readJob(store, "a", after), snapshot, `what version ${future} was told`);
        }
      },
    },
    {
      name: "given an unknown job, tells undefined, with a cursor and without",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        for (const id of ["b", "__proto__", "constructor"]) {
          same(await store.read(id), undefined, `the job "${id}"`);
          same(await store.read(id, cursor), undefined, `the job "${id}" after a cursor`);
        }
      },
    },
  ],
};
