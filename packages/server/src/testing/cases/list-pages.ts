import type { JobPage, ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import { draft, range } from "../fixtures.js";
import { createListed, jobIds, listedDraft, listedIds, pagedIds, SUBJECT } from "../lists.js";

/** The state that the writers of {@link pageDuringWrites} share. */
interface Done {
  /** Jobs whose creation has resolved, and whose removal has not begun. */
  readonly created: Set<string>;
  isOver: boolean;
}

/** Creates jobs and removes every third one, as one of several writers. */
async function createAndRemove(store: ProgressStore, writer: number, done: Done): Promise<void> {
  for (const by of range(12)) {
    const id = `writer-${writer}-job-${by}`;
    await store.create(listedDraft(id));
    done.created.add(id);
    if (by % 3 !== 2) continue;
    const removed = `writer-${writer}-job-${by - 1}`;
    done.created.delete(removed);
    await store.remove(removed);
  }
}

/** Reads the list again and again. Each reading must have each job that was there all the time, and none twice. */
async function pageUntilOver(store: ProgressStore, { limit, done }: { limit: number; done: Done }) {
  for (let last = false; !last; ) {
    last = done.isOver;
    const before = [...done.created];
    const seen = await pagedIds(store, { limit });
    const [distinct, kept] = [new Set(seen), before.filter((id) => done.created.has(id))];
    assertEqual(seen.length, distinct.size, "jobs on all pages, and different ones among them");
    assertEqual(
      kept.filter((id) => !distinct.has(id)),
      [],
      "jobs that were created before the first page, and are on none",
    );
  }
}

/** Several writers create and remove jobs while several readers read the list, perhaps through another instance. */
export async function pageDuringWrites(
  store: ProgressStore,
  readFrom: ProgressStore,
): Promise<void> {
  const done: Done = { created: new Set(), isOver: false };
  const writers = Promise.all(range(4).map((writer) => createAndRemove(store, writer, done)));
  await Promise.all([
    writers.finally(() => {
      done.isOver = true;
    }),
    ...[2, 5, 100].map((limit) => pageUntilOver(readFrom, { limit, done })),
  ]);
  assertEqual([...(await listedIds(readFrom))].sort(), [...done.created].sort(), "the list");
}

export const LIST_PAGES: CaseGroup = {
  group: "list pages",
  cases: [
    {
      name: "given any limit, the pages together are the list",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, jobIds(7));
        for (const limit of [1, 2, 3, 6, 7, 8, 100])
          assertEqual(await pagedIds(store, { limit }), ids, `the pages with the limit ${limit}`);
      },
    },
    {
      name: "given more jobs than the limit, returns as many as the limit, and a next unless there is none",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, jobIds(6));
        const sizes: number[] = [];
        await pagedIds(store, {
          limit: 2,
          between: async ({ jobs }) => void sizes.push(jobs.length),
        });
        assertEqual(sizes, [2, 2], "the sizes of the pages that have a next");
        assertEqual(await store.list(SUBJECT, { limit: 6 }), { jobs: ids }, "a page of the rest");
      },
    },
    {
      name: "given jobs that were created at the same time, has each on exactly one page, in a fixed order",
      async run({ open }) {
        const store = await open();
        const ids = jobIds(9);
        await Promise.all(ids.map((id) => store.create(listedDraft(id))));
        const first = await pagedIds(store, { limit: 100 });
        assertEqual([...first].sort(), ids, "the list");
        for (const limit of [1, 2, 4])
          assertEqual(await pagedIds(store, { limit }), first, `the pages with the limit ${limit}`);
      },
    },
    {
      name: "given jobs that come between pages, each earlier job is on exactly one page",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, jobIds(9));
        const between = async ({ jobs }: JobPage): Promise<void> => {
          await store.create(listedDraft(`after-${jobs[0]}`));
        };
        assertEqual(await pagedIds(store, { limit: 2, between }), ids, "the pages");
      },
    },
    {
      name: "given jobs that go between pages, each other job is on exactly one page",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, jobIds(12));
        const kept = new Set(ids);
        // The position of a page is that of its last job, which is removed too.
        const between = async ({ jobs: [, last = ""] }: JobPage): Promise<void> => {
          const following = ids[ids.indexOf(last) + 1] ?? "";
          for (const id of [last, following]) await store.remove(id);
          kept.delete(following);
        };
        const seen = await pagedIds(store, { limit: 2, between });
        assertEqual(seen, [...kept], "the pages");
      },
    },
    {
      name: "given every job that follows removed, the next page is empty and the last one",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, jobIds(5));
        const { next } = await store.list(SUBJECT, { limit: 2 });
        for (const id of ids.slice(1)) await store.remove(id);
        const page = await store.list(SUBJECT, { limit: 2, before: next });
        assertEqual(page, { jobs: [] }, "the next page");
      },
    },
    {
      name: "given a position, returns the same page for it each time",
      async run(context) {
        const store = await context.open();
        const ids = await createListed(context, store, jobIds(6));
        const { next: before } = await store.list(SUBJECT, { limit: 2 });
        for (const id of ["new-0", "new-1"]) {
          const { jobs } = await store.list(SUBJECT, { limit: 2, before });
          assertEqual(jobs, ids.slice(2, 4), "the page");
          await store.create(listedDraft(id));
        }
      },
    },
    {
      name: "given a before that is no position of the store, returns an empty page",
      async run(context) {
        const store = await context.open();
        await createListed(context, store, jobIds(3));
        for (const before of ["x", "0", "-", "..", "job-1", "1.2.3", "9".repeat(200), "NaN.1"])
          assertEqual(
            await store.list(SUBJECT, { limit: 2, before }),
            { jobs: [] },
            `the page before ${before}`,
          );
      },
    },
    {
      name: "given a position of another subject or space, returns jobs of its own list only",
      async run(context) {
        const [store, elsewhere] = [await context.open(), await context.openElsewhere()];
        const ids = await createListed(context, store, jobIds(3));
        for (const by of range(3)) {
          await store.create(draft(`other-${by}`, { subjects: ["user:7"] }));
          await elsewhere.create(listedDraft(`elsewhere-${by}`));
        }
        const pages = [
          await store.list("user:7", { limit: 1 }),
          await elsewhere.list(SUBJECT, { limit: 1 }),
        ];
        for (const { next: before } of pages) {
          const { jobs, next } = await store.list(SUBJECT, { limit: 10, before });
          assertEqual(jobs, ids.slice(ids.length - jobs.length), "the page, an end of the list");
          assertTrue(next === undefined, "The page has a next, although no job follows.");
        }
      },
    },
    {
      name: "given concurrent creations and removals, a reading of all pages has every job that stays, once",
      async run({ open }) {
        const store = await open();
        await pageDuringWrites(store, store);
      },
    },
    {
      name: "given hundreds of jobs, of which most are removed, the pages together are the rest",
      async run({ open }) {
        const store = await open();
        const ids = jobIds(300);
        for (const by of range(6))
          await Promise.all(
            ids.slice(50 * by, 50 * by + 50).map((id) => store.create(listedDraft(id))),
          );
        const gone = ids.filter((_, index) => index % 10 !== 0);
        for (const by of range(6)) {
          const removals = gone.slice(45 * by, 45 * by + 45).map((id) => store.remove(id));
          await Promise.all(removals);
        }
        const seen = await pagedIds(store, { limit: 7 });
        const rest = ids.filter((_, index) => index % 10 === 0);
        assertEqual([...seen].sort(), [...rest].sort(), "the pages");
        assertTrue(new Set(seen).size === seen.length, "A job is on two pages.");
      },
    },
  ],
};
