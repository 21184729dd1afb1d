import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  cursorParts,
  draft,
  outcomesOf,
  QUEUED,
  range,
  readFields,
  readJob,
  versionOf,
  writeJob,
} from "../fixtures.js";

export const CREATE: CaseGroup = {
  group: "create",
  cases: [
    {
      name: "given a draft, stores its fields and times as version 1",
      async run({ open }) {
        const store = await open();
        const created = await store.create(draft("a"));
        assertEqual([created.jobId, created.created], ["a", true], "the result of create()");
        assertEqual(versionOf(created.cursor), 1, "the first version");
        const { reset, cursor, set, log } = await readJob(store, "a");
        assertEqual([reset, cursor, log], [true, created.cursor, []], "the snapshot");
        const { createdAt, updatedAt, ...fields } = set;
        assertEqual(fields, QUEUED, "the fields");
        assertTrue(
          Number.isSafeInteger(createdAt),
          `createdAt is ${String(createdAt)}; it must be a whole number.`,
        );
        assertEqual(updatedAt, createdAt, "updatedAt of a new job");
      },
    },
    {
      name: "given the id of another job, refuses and does not change that job",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { key: "one" }));
        const before = await readJob(store, "a");
        const other = { ...QUEUED, kind: "other" };
        await assertRejects(
          store.create(draft("a", { set: other })),
          "invalid-change",
          "A taken id",
        );
        await assertRejects(
          store.create(draft("a", { key: "two" })),
          "invalid-change",
          "A taken id",
        );
        assertEqual(await readJob(store, "a"), before, "the existing job");
      },
    },
    {
      name: "given twenty concurrent calls with one id, stores one job",
      async run({ open }) {
        const store = await open();
        const tries = range(20).map((by) =>
          store.create(draft("a", { set: { ...QUEUED, kind: `kind ${by}` } })),
        );
        const { fulfilled, rejected } = await outcomesOf(tries);
        assertEqual([fulfilled.length, rejected.length], [1, 19], "jobs created and refused");
        for (const reason of rejected)
          await assertRejects(Promise.reject(reason), "invalid-change", "A taken id");
        assertEqual(
          (await readJob(store, "a")).cursor,
          fulfilled[0]?.cursor,
          "the cursor of the one job",
        );
      },
    },
    {
      name: "given a known key, returns the first job and stores nothing",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { key: "order 7" }));
        const cursor = await writeJob(store, "a", change({ message: "one" }));
        const again = await store.create(draft("b", { key: "order 7" }));
        assertEqual(
          again,
          { jobId: "a", cursor, created: false },
          "the result of the second create()",
        );
        assertEqual(await store.read("b"), undefined, "the second draft's job");
        assertEqual((await readJob(store, "a")).cursor, cursor, "the first job's cursor");
      },
    },
    {
      name: "given the same draft with a key again, returns the first job",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a", { key: "order 7" }));
        const again = await store.create(draft("a", { key: "order 7" }));
        assertEqual(
          again,
          { jobId: "a", cursor, created: false },
          "the result of the second create()",
        );
      },
    },
    {
      name: "given the key of a job that has ended, returns that job",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { key: "order 7" }));
        await store.write("a", completion());
        const again = await store.create(draft("b", { key: "order 7" }));
        assertEqual(
          [again.jobId, again.created],
          ["a", false],
          "the result of the second create()",
        );
      },
    },
    {
      name: "given fifty concurrent calls with one key, stores one job",
      async run({ open }) {
        const store = await open();
        const all = await Promise.all(
          range(50).map((by) => store.create(draft(`job-${by}`, { key: "order 7" }))),
        );
        const made = all.filter(({ created }) => created);
        assertEqual(made.length, 1, "jobs created");
        assertEqual(
          all.map(({ jobId }) => jobId),
          all.map(() => made[0]?.jobId),
          "the returned ids",
        );
        const kept = await Promise.all(range(50).map((by) => store.read(`job-${by}`)));
        assertEqual(kept.filter((delta) => delta !== undefined).length, 1, "jobs kept");
      },
    },
    {
      name: "given twenty concurrent calls with one draft and key, stores one job and refuses none",
      async run({ open }) {
        const store = await open();
        const all = await Promise.all(
          range(20).map(() => store.create(draft("a", { key: "order 7" }))),
        );
        assertEqual(all.filter(({ created }) => created).length, 1, "jobs created");
        const { cursor } = await readJob(store, "a");
        assertEqual(
          all.map((each) => [each.jobId, each.cursor]),
          all.map(() => ["a", cursor]),
          "the returned ids and cursors",
        );
      },
    },
    {
      name: "given different keys with any characters, stores different jobs",
      async run({ open }) {
        const store = await open();
        const keys = [
          "a",
          "A",
          "__proto__",
          "constructor",
          " ",
          "a:b",
          "a\u2028b",
          "a*?[b]%_'\"\\",
          "é",
          "日本",
          "😀",
        ];
        for (const [by, key] of keys.entries()) {
          const { jobId, created } = await store.create(draft(`job-${by}`, { key }));
          assertEqual(
            [jobId, created],
            [`job-${by}`, true],
            `the job of the key ${JSON.stringify(key)}`,
          );
        }
        for (const [by, key] of keys.entries()) {
          const { jobId, created } = await store.create(draft(`again-${by}`, { key }));
          assertEqual(
            [jobId, created],
            [`job-${by}`, false],
            `the key ${JSON.stringify(key)} again`,
          );
        }
      },
    },
    {
      name: "given several jobs, gives each its own epoch",
      async run({ open }) {
        const store = await open();
        const cursors = await Promise.all(["a", "b", "c"].map((id) => store.create(draft(id))));
        const epochs = new Set(cursors.map(({ cursor }) => cursorParts(cursor).epoch));
        assertEqual(epochs.size, 3, "the number of different epochs");
      },
    },
    {
      name: "given jobs with similar ids, keeps the fields of each apart",
      async run({ open }) {
        const store = await open();
        // Ids that a file system, a collation, an object or a pattern may confuse.
        const ids = [
          "a",
          "A",
          "a-",
          "a_",
          "a-1",
          "__proto__",
          "constructor",
          "toString",
          "-",
          "0",
          "00",
          "x".repeat(128),
        ];
        for (const id of ids) await store.create(draft(id));
        for (const id of ids) await store.write(id, change({ message: id }));
        for (const id of ids)
          assertEqual((await readFields(store, id)).message, id, `the message of "${id}"`);
      },
    },
  ],
};
