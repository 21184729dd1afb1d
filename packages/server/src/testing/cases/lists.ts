import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  LONG_MS,
  lastWriteAt,
  range,
  SLACK_MS,
  sweepUntilLost,
} from "../fixtures.js";
import { assertListed, createListed, jobIds, listedDraft, listedIds, SUBJECT } from "../lists.js";

/** Subjects that a store must tell apart, with the longest one. */
const SUBJECTS = [
  "user:4",
  "user:42",
  "USER:42",
  "user:42:a",
  "user.42",
  "user-42",
  "user_42",
  "constructor",
  "a@b.example",
  `a${"z".repeat(127)}`,
];

export const LISTS: CaseGroup = {
  group: "lists",
  cases: [
    {
      name: "given jobs of a subject, lists them, the newest first",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, ["c", "a", "d", "b"]);
        assertEqual(await listedIds(store), ids, "the list");
      },
    },
    {
      name: "given writes to its jobs and their ends, keeps the order of a list",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, ["a", "b", "c"]);
        await store.write("a", change({ message: "one" }));
        await store.write("a", completion());
        await store.write("b", change({ message: "one" }));
        assertEqual(await listedIds(store), ids, "the list");
      },
    },
    {
      name: "given a subject without jobs, returns an empty page",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        assertEqual(await store.list(SUBJECT, { limit: 1 }), { jobs: [] }, "the page");
      },
    },
    {
      name: "given subjects that are alike, keeps their lists apart",
      async run({ open }) {
        const store = await open();
        for (const [by, subject] of SUBJECTS.entries())
          await store.create(draft(`job-${by}`, { subjects: [subject] }));
        for (const [by, subject] of SUBJECTS.entries())
          assertEqual(await listedIds(store, subject), [`job-${by}`], `the jobs of ${subject}`);
      },
    },
    {
      name: "given a job with eight subjects, lists it for each",
      async run({ open }) {
        const store = await open();
        const subjects = range(8).map((by) => `batch:${by}`);
        await store.create(draft("a", { subjects }));
        await store.create(draft("b", { subjects: subjects.slice(4) }));
        for (const subject of subjects.slice(0, 4)) await assertListed(store, ["a"], subject);
        for (const subject of subjects.slice(4)) await assertListed(store, ["a", "b"], subject);
        await store.remove("a");
        for (const subject of subjects.slice(0, 4)) await assertListed(store, [], subject);
        for (const subject of subjects.slice(4)) await assertListed(store, ["b"], subject);
      },
    },
    {
      name: "given subjects that the caller changes later, keeps those of the creation",
      async run({ open }) {
        const store = await open();
        const subjects = [SUBJECT];
        const created = store.create(draft("a", { subjects }));
        subjects[0] = "other";
        await created;
        subjects.push("third");
        await assertListed(store, ["a"]);
        for (const other of ["other", "third"]) await assertListed(store, [], other);
        await store.remove("a");
        await assertListed(store, []);
      },
    },
    {
      name: "given a job with subjects, read() returns none of them",
      async run({ open }) {
        const store = await open();
        await store.create(listedDraft("a"));
        await store.write("a", completion());
        assertTrue(
          !JSON.stringify(await store.read("a")).includes(SUBJECT),
          "The delta of a job has its subject.",
        );
      },
    },
    {
      name: "given a key that is known, adds nothing to a list",
      async run({ open }) {
        const store = await open();
        await store.create(listedDraft("a", { key: "order 7" }));
        for (const subjects of [[SUBJECT], ["other"]])
          await store.create(draft("b", { key: "order 7", subjects }));
        assertEqual(await listedIds(store), ["a"], "the list");
        await assertListed(store, [], "other");
      },
    },
    {
      name: "given an id that is taken, adds nothing to a list",
      async run({ open }) {
        const store = await open();
        await store.create(listedDraft("a"));
        for (const subjects of [[SUBJECT], ["other"]])
          await assertRejects(
            store.create(draft("a", { subjects })),
            "invalid-change",
            "create() with the id of another job",
          );
        assertEqual(await listedIds(store), ["a"], "the list");
        await assertListed(store, [], "other");
      },
    },
    {
      name: "given a job that is removed, it leaves the list, whatever its state",
      async run(context) {
        const store = await context.open();
        await createListed(context, store, ["queued", "ended", "kept", "running"]);
        await store.write("ended", completion());
        await store.write("running", change({ status: "running" }));
        for (const id of ["queued", "ended", "running"]) await store.remove(id);
        await assertListed(store, ["kept"]);
      },
    },
    {
      name: "given jobs that expire, they leave the list, and the others stay",
      async run({ open }) {
        const store = await open({ ttlMs: LONG_MS, idleTtlMs: 3 * LONG_MS });
        for (const id of ["ended", "idle"]) await store.create(listedDraft(id));
        await store.write("ended", completion());
        const since = await lastWriteAt(store, "ended");
        await store.sweep(since + LONG_MS + SLACK_MS, 10);
        await assertListed(store, ["idle"]);
        await store.sweep(since + 3 * LONG_MS + SLACK_MS, 10);
        await assertListed(store, []);
      },
    },
    {
      name: "given jobs that a sweep ends, they stay in the list",
      async run({ open }) {
        const store = await open();
        await store.create(listedDraft("late", { deadlineMs: LONG_MS }));
        const since = await createLeasedJob(store, "lost", { subjects: [SUBJECT] });
        await sweepUntilLost(store, since);
        await assertListed(store, ["late", "lost"]);
      },
    },
    {
      name: "given the id of a removed job, the new job is in the lists of its own subjects only",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { subjects: [SUBJECT, "batch:1"] }));
        await store.remove("a");
        await store.create(draft("a", { subjects: ["batch:1", "batch:2"] }));
        await assertListed(store, []);
        for (const subject of ["batch:1", "batch:2"]) await assertListed(store, ["a"], subject);
        await store.remove("a");
        await store.create(draft("a"));
        for (const subject of ["batch:1", "batch:2"]) await assertListed(store, [], subject);
      },
    },
    {
      name: "given stores over different spaces, does not mix their lists",
      async run({ open, openElsewhere }) {
        const [store, elsewhere] = [await open(), await openElsewhere()];
        await store.create(listedDraft("a"));
        await elsewhere.create(listedDraft("b"));
        assertEqual(await listedIds(store), ["a"], "the list");
        assertEqual(await listedIds(elsewhere), ["b"], "the list of the other space");
        await elsewhere.remove("b");
        await assertListed(store, ["a"]);
      },
    },
    {
      name: "given concurrent creations, lists each once",
      async run({ open }) {
        const store = await open();
        const ids = jobIds(50);
        await Promise.all(ids.map((id) => store.create(listedDraft(id))));
        await assertListed(store, ids);
      },
    },
  ],
};
