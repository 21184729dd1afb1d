import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, draft, line, readFields, readJob, writeJob } from "../fixtures.js";

export const WRITE: CaseGroup = {
  group: "write",
  cases: [
    {
      name: "given fields, replaces each whole and does not change the others",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const step = { status: "running", percent: 10, done: 1, total: 10 };
        await store.write("a", change({ "steps.s": step, "steps.t": step, message: "one" }));
        await store.write("a", change({ "steps.s": { status: "completed", percent: 100 } }));
        const fields = await readFields(store, "a");
        assertEqual(
          fields["steps.s"],
          { status: "completed", percent: 100 },
          "the step that was set again",
        );
        assertEqual([fields["steps.t"], fields.message], [step, "one"], "the others");
      },
    },
    {
      name: "given a change that sets createdAt or updatedAt, sets both by its own clock instead",
      async run({ open }) {
        const store = await open();
        await store.create(
          draft("a", { set: { kind: "video", status: "queued", createdAt: 1, updatedAt: 2 } }),
        );
        const first = await readFields(store, "a");
        assertTrue(
          Number(first.createdAt) > 1e12 && first.createdAt === first.updatedAt,
          "create() stored the draft's own times.",
        );
        await store.write("a", change({ updatedAt: 3 }));
        const second = await readFields(store, "a");
        assertTrue(
          Number(second.updatedAt) >= Number(first.updatedAt),
          `updatedAt is ${String(second.updatedAt)}; it must not be earlier than at creation.`,
        );
        assertEqual(second.createdAt, first.createdAt, "createdAt after a write");
      },
    },
    {
      name: "given an injected clock, sets createdAt and updatedAt by it",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        const created = clock.now();
        await store.create(draft("a"));
        clock.advance(1234);
        await store.write("a", change({ message: "one" }));
        const { createdAt, updatedAt } = await readFields(store, "a");
        assertEqual([createdAt, updatedAt], [created, created + 1234], "createdAt and updatedAt");
      },
    },
    {
      name: "given only log lines, sets only updatedAt",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        await store.write("a", change({}, { log: [line("one")] }));
        const { set, log } = await readJob(store, "a", cursor);
        assertEqual([Object.keys(set), log.length], [["updatedAt"], 1], "the delta");
      },
    },
    {
      name: "given a change that sets nothing and appends nothing, raises no version",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        assertEqual(await writeJob(store, "a", change({})), cursor, "the returned cursor");
        assertEqual((await readJob(store, "a")).cursor, cursor, "the cursor of a read");
      },
    },
    {
      name: "given an unknown job, refuses and creates none",
      async run({ open }) {
        const store = await open();
        for (const id of ["b", "__proto__"]) {
          await assertRejects(
            store.write(id, change({ message: "one" })),
            "job-not-found",
            "A write to an unknown job",
          );
          assertEqual(await store.read(id), undefined, `the job "${id}"`);
        }
      },
    },
  ],
};
