import { holds, refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  parts,
  QUEUED,
  readJob,
  settle,
  upTo,
  versionOf,
} from "../given.js";

export const CREATE: CaseGroup = {
  group: "create",
  cases: [
    {
      name: "given a draft, stores its fields and times as version 1",
      async run({ open }) {
        const store = await open();
        const created = await store.create(draft("a"));
        same([created.jobId, created.created], ["a", true], "what create() told");
        same(versionOf(created.cursor), 1, "the first version");
        const { reset, cursor, set, log } = await readJob(store, "a");
        same([reset, cursor, log], [true, created.cursor, []], "the snapshot");
        const { createdAt, updatedAt, ...fields } = set;
        same(fields, QUEUED, "the fields");
        holds(Number.isSafeInteger(createdAt), `createdAt is ${String(createdAt)}`);
        same(updatedAt, createdAt, "updatedAt of a new job");
      },
    },
    {
      name: "given the id of another job, refuses and leaves that job alone",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { key: "one" }));
        const before = await readJob(store, "a");
        const other = { ...QUEUED, kind: "other" };
        await refused(store.create(draft("a", { set: other })), "invalid-change", "A taken id");
        await refused(store.create(draft("a", { key: "two" })), "invalid-change", "A taken id");
        same(await readJob(store, "a"), before, "the job that was there");
      },
    },
    {
      name: "given one id twenty times at once, stores one job",
      async run({ open }) {
        const store = await open();
        const tries = upTo(20).map((by) =>
          store.create(draft("a", { set: { ...QUEUED, kind: `kind ${by}` } })),
        );
        const { fulfilled, rejected } = await settle(tries);
        same([fulfilled.length, rejected.length], [1, 19], "jobs made and refused");
        for (const reason of rejected)
          await refused(Promise.reject(reason), "invalid-change", "A taken id");
        same((await readJob(store, "a")).cursor, fulfilled[0]?.cursor, "the cursor of the one job");
      },
    },
    {
      name: "given a known key, gives the first job and stores nothing",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { key: "order 7" }));
        const cursor = await store.write("a", change({ message: "on its way" }));
        const again = await store.create(draft("b", { key: "order 7" }));
        same(again, { jobId: "a", cursor, created: false }, "what the second create() told");
        same(await store.read("b"), undefined, "the second draft's job");
        same((await readJob(store, "a")).cursor, cursor, "the first job's cursor");
      },
    },
    {
      name: "given a known key and the first draft again, is no error",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a", { key: "order 7" }));
        const again = await store.create(draft("a", { key: "order 7" }));
        same(again, { jobId: "a", cursor, created: false }, "what the second create() told");
      },
    },
    {
      name: "given the key of a job that has ended, still gives that job",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { key: "order 7" }));
        await store.write("a", completion());
        const again = await store.create(draft("b", { key: "order 7" }));
        same([again.jobId, again.created], ["a", false], "what the second create() told");
      },
    },
    {
      name: "given one key fifty times at once, stores one job",
      async run({ open }) {
        const store = await open();
        const all = await Promise.all(
          upTo(50).map((by) => store.create(draft(`job-${by}`, { key: "order 7" }))),
        );
        const made = all.filter(({ created }) => created);
        same(made.length, 1, "jobs made");
        same(
          all.map(({ jobId }) => jobId),
          all.map(() => made[0]?.jobId),
          "the ids told",
        );
        const kept = await Promise.all(upTo(50).map((by) => store.read(`job-${by}`)));
        same(kept.filter((delta) => delta !== undefined).length, 1, "jobs kept");
      },
    },
    {
      name: "given one draft with a key twenty times at once, stores one job and refuses none",
      async run({ open }) {
        const store = await open();
        const all = await Promise.all(
          upTo(20).map(() => store.create(draft("a", { key: "order 7" }))),
        );
        same(all.filter(({ created }) => created).length, 1, "jobs made");
        const { cursor } = await readJob(store, "a");
        same(
          all.map((told) => [told.jobId, told.cursor]),
          all.map(() => ["a", cursor]),
          "the ids and cursors told",
        );
      },
    },
    {
      name: "given different keys, stores different jobs, whatever is in the keys",
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
          same([jobId, created], [`job-${by}`, true], `the job of the key ${JSON.stringify(key)}`);
        }
        for (const [by, key] of keys.entries()) {
          const { jobId, created } = await store.create(draft(`again-${by}`, { key }));
          same([jobId, created], [`job-${by}`, false], `the key ${JSON.stringify(key)} again`);
        }
      },
    },
    {
      name: "given two jobs, gives each an epoch of its own",
      async run({ open }) {
        const store = await open();
        const cursors = await Promise.all(["a", "b", "c"].map((id) => store.create(draft(id))));
        const epochs = new Set(cursors.map(({ cursor }) => parts(cursor).epoch));
        same(epochs.size, 3, "different epochs of three jobs");
      },
    },
    {
      name: "given jobs beside it, a job keeps its own fields",
      async run({ open }) {
        const store = await open();
        // Ids that a file system, a collation, an object or a pattern may take for one another.
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
          same((await fieldsIn(store, id)).message, id, `the message of "${id}"`);
      },
    },
  ],
};
