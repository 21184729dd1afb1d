import { assertEqual } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  line,
  range,
  readJob,
  versionOf,
  writeJob,
} from "../fixtures.js";

export const LOG: CaseGroup = {
  group: "log",
  cases: [
    {
      name: "given lines, numbers them from 1 and gives them the version of their write",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({}, { log: [line("one"), line("two")] }));
        await store.write("a", change({ percent: 1 }));
        await store.write("a", change({}, { log: [line("three")] }));
        const { log } = await readJob(store, "a");
        const lines = log.map(({ n, version, text }) => [n, version, text]);
        assertEqual(
          lines,
          [
            [1, 2, "one"],
            [2, 2, "two"],
            [3, 4, "three"],
          ],
          "number, version and text of the lines",
        );
      },
    },
    {
      name: "given a line, keeps its time, level, text and data",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const lines = [
          line("plain"),
          line("", { level: "warn", at: 0 }),
          line("with data", { level: "error", data: { frame: 3, parts: [null, { a: [] }] } }),
          line("with null", { data: null }),
        ];
        await store.write("a", change({}, { log: lines }));
        const { log } = await readJob(store, "a");
        assertEqual(
          log,
          lines.map((each, index) => ({ ...each, n: index + 1, version: 2 })),
          "the lines",
        );
      },
    },
    {
      name: "given more lines than are kept, keeps the newest and continues their numbers",
      async run({ open }) {
        const store = await open({ maxLogLines: 5 });
        assertEqual(store.maxLogLines, 5, "maxLogLines of the store");
        const { cursor } = await store.create(draft("a"));
        for (const by of range(4))
          await store.write(
            "a",
            change({}, { log: [line(`${by}a`), line(`${by}b`), line(`${by}c`)] }),
          );
        const kept = [8, 9, 10, 11, 12];
        const { log } = await readJob(store, "a");
        assertEqual(
          log.map(({ n }) => n),
          kept,
          "the kept lines",
        );
        assertEqual(
          log.map(({ text }) => text),
          ["2b", "2c", "3a", "3b", "3c"],
          "their texts",
        );
        assertEqual(
          (await readJob(store, "a", cursor)).log.map(({ n }) => n),
          kept,
          "the lines of an early reader",
        );
      },
    },
    {
      name: "given more lines in one write than are kept, numbers the dropped ones too",
      async run({ open }) {
        const store = await open({ maxLogLines: 3 });
        await store.create(draft("a"));
        const cursor = await writeJob(
          store,
          "a",
          change({}, { log: range(10).map((by) => line(`${by}`)) }),
        );
        await store.write("a", change({}, { log: [line("last")] }));
        const { log } = await readJob(store, "a");
        assertEqual(
          log.map(({ n, text }) => [n, text]),
          [
            [9, "8"],
            [10, "9"],
            [11, "last"],
          ],
          "the kept lines",
        );
        assertEqual(
          (await readJob(store, "a", cursor)).log.map(({ n }) => n),
          [11],
          "the lines after the first write",
        );
      },
    },
    {
      name: "given lost lines, skips their numbers, so that the loss is a gap",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({}, { log: [line("one")], lostLines: 3 }));
        await store.write("a", change({}, { log: [line("two"), line("three")], lostLines: 0 }));
        await store.write("a", change({ percent: 1 }, { log: [line("four")], lostLines: 300 }));
        await store.write("a", change({}, { log: [line("five")] }));
        const { log } = await readJob(store, "a");
        assertEqual(
          log.map(({ n, version, text }) => [n, version, text]),
          [
            [4, 2, "one"],
            [5, 3, "two"],
            [6, 3, "three"],
            [307, 4, "four"],
            [308, 5, "five"],
          ],
          "number, version and text of the lines",
        );
      },
    },
    {
      name: "given lost lines and more lines than are kept, keeps as many lines as without a loss",
      async run({ open }) {
        const store = await open({ maxLogLines: 3 });
        await store.create(draft("a"));
        await store.write("a", change({}, { log: range(2).map((by) => line(`${by}`)) }));
        await store.write("a", change({}, { log: [line("two")], lostLines: 500 }));
        const numbers = async () => (await readJob(store, "a")).log.map(({ n }) => n);
        assertEqual(await numbers(), [1, 2, 503], "the kept lines");
        await store.write("a", change({}, { log: [line("three")], lostLines: 1 }));
        assertEqual(await numbers(), [2, 503, 505], "the kept lines after one more");
      },
    },
    {
      name: "given an end with lost lines, skips their numbers",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", { ...completion(), log: [line("done")], lostLines: 7 });
        assertEqual((await readJob(store, "a")).log.at(-1)?.n, 8, "the number of the last line");
      },
    },
    {
      name: "given the end, keeps the lines of that write and of earlier ones",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({}, { log: [line("one")] }));
        const end = await writeJob(store, "a", { ...completion(), log: [line("done")] });
        const { log } = await readJob(store, "a");
        assertEqual(
          log.map(({ n, version }) => [n, version]),
          [
            [1, 2],
            [2, versionOf(end)],
          ],
          "the lines",
        );
      },
    },
  ],
};
