import { holds, refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { change, draft, fieldsIn, line, readJob } from "../given.js";

export const WRITE: CaseGroup = {
  group: "write",
  cases: [
    {
      name: "given fields, replaces each whole and leaves the others",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const step = { status: "running", percent: 10, done: 1, total: 10 };
        await store.write("a", change({ "steps.s": step, "steps.t": step, message: "one" }));
        await store.write("a", change({ "steps.s": { status: "completed", percent: 100 } }));
        const fields = await fieldsIn(store, "a");
        same(
          fields["steps.s"],
          { status: "completed", percent: 100 },
          "the step that was set again",
        );
        same([fields["steps.t"], fields.message], [step, "one"], "the others");
      },
    },
    {
      name: "given any version, sets updatedAt itself, whatever the change says",
      async run({ open }) {
        const store = await open();
        await store.create(
          draft("a", { set: { kind: "video", status: "queued", createdAt: 1, updatedAt: 2 } }),
        );
        const first = await fieldsIn(store, "a");
        holds(
          Number(first.createdAt) > 1e12 && first.createdAt === first.updatedAt,
          "create() kept the draft's own times",
        );
        await store.write("a", change({ updatedAt: 3 }));
        const second = await fieldsIn(store, "a");
        holds(
          Number(second.updatedAt) >= Number(first.updatedAt),
          `updatedAt is ${String(second.updatedAt)}`,
        );
        same(second.createdAt, first.createdAt, "createdAt after a write");
      },
    },
    {
      name: "given the time, sets createdAt and updatedAt to it",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        const created = clock.now();
        await store.create(draft("a"));
        clock.advance(1234);
        await store.write("a", change({ message: "one" }));
        const { createdAt, updatedAt } = await fieldsIn(store, "a");
        same([createdAt, updatedAt], [created, created + 1234], "createdAt and updatedAt");
      },
    },
    {
      name: "given only log lines, sets no field but updatedAt",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        await store.write("a", change({}, { log: [line("one")] }));
        const { set, log } = await readJob(store, "a", cursor);
        same([Object.keys(set), log.length], [["updatedAt"], 1], "the delta");
      },
    },
    {
      name: "given nothing, raises no version",
      async run({ open }) {
        const store = await open();
        const { cursor } = await store.create(draft("a"));
        same(await store.write("a", change({})), cursor, "the cursor told");
        same((await readJob(store, "a")).cursor, cursor, "the cursor read");
      },
    },
    {
      name: "given an unknown job, refuses and makes none",
      async run({ open }) {
        const store = await open();
        for (const id of ["b", "__proto__"]) {
          await refused(
            store.write(id, change({ message: "one" })),
            "job-not-found",
            "A write to an unknown job",
          );
          same(await store.read(id), undefined, `the job "${id}"`);
        }
      },
    },
  ],
};
