import type { ProgressStore } from "../../core/store.js";
import { assertEqual } from "../assert.js";
import type { CaseGroup, StoreCase } from "../case.js";
import type { TestContext } from "../context.js";
import { LONG_MS } from "../fixtures.js";
import {
  assertListed,
  createListed,
  followList,
  jobIds,
  listedDraft,
  pagedIds,
  SUBJECT,
} from "../lists.js";
import { pageDuringWrites } from "./list-pages.js";
import { createAndRemoveSome, expectWake, LEFT, MEMBERSHIP_CHANGES } from "./list-watch.js";

const OPTIONS = { ttlMs: LONG_MS };

function onTwoInstances(
  name: string,
  run: (a: ProgressStore, b: ProgressStore, context: TestContext) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: "shared",
    run: async (context) => run(await context.open(OPTIONS), await context.open(OPTIONS), context),
  };
}

export const SHARED_LISTS: CaseGroup = {
  group: "shared lists",
  cases: [
    onTwoInstances(
      "given jobs created through both instances, each lists all of them in the same order",
      async (a, b, context) => {
        const early = await createListed(context, a, jobIds(3));
        const late = await createListed(context, b, ["later-0", "later-1"]);
        for (const store of [a, b])
          assertEqual(await pagedIds(store, { limit: 2 }), [...late, ...early], "the pages");
      },
    ),
    onTwoInstances(
      "given a page of one instance, the other one continues after it",
      async (a, b, context) => {
        const ids = await createListed(context, a, jobIds(5));
        const { jobs, next } = await a.list(SUBJECT, { limit: 2 });
        const rest = await b.list(SUBJECT, { limit: 3, before: next });
        assertEqual([...jobs, ...rest.jobs], ids, "the pages");
      },
    ),
    onTwoInstances("given a removal through one instance, the job leaves both", async (a, b) => {
      for (const id of ["a", "b"]) await a.create(listedDraft(id));
      await b.remove("a");
      for (const store of [a, b]) await assertListed(store, ["b"]);
    }),
    ...MEMBERSHIP_CHANGES.map((each) =>
      onTwoInstances(
        `given ${each[0]} through one instance, wakes the watchers of the other`,
        (writer, reader, context) => expectWake({ writer, reader }, context, each),
      ),
    ),
    onTwoInstances(
      "given a reader on one instance that reads the list after each wake, it gets the last one",
      async (a, b, context) => {
        const during = (): Promise<void> => createAndRemoveSome(a);
        await followList(b, context, { until: LEFT, during });
      },
    ),
    onTwoInstances(
      "given concurrent creations and removals on one instance, a reading on the other has every job that stays, once",
      (a, b) => pageDuringWrites(a, b),
    ),
    {
      name: "given a store that was closed, the next one has its lists and accepts its positions",
      needs: "durable",
      async run(context) {
        const first = await context.open(OPTIONS);
        const ids = await createListed(context, first, jobIds(5));
        const { next } = await first.list(SUBJECT, { limit: 2 });
        await first.close();
        const second = await context.open(OPTIONS);
        const { jobs } = await second.list(SUBJECT, { limit: 2, before: next });
        assertEqual(jobs, ids.slice(2, 4), "the page after that of the closed store");
        await second.remove("job-0");
        assertEqual(await pagedIds(second, { limit: 2 }), ids.slice(0, 4), "the pages");
      },
    },
    {
      name: "given a backend that lost its data, lists only the jobs that are created since, and wakes for them",
      needs: "emptied",
      async run(context) {
        const store = await context.open(OPTIONS);
        await createListed(context, store, jobIds(5));
        const { wake, count, wakeAfter } = context.waker();
        await store.watch({ subject: SUBJECT }, wake);
        await context.empty();
        await assertListed(store, []);
        const seen = count();
        await store.create(listedDraft("job-1"));
        await wakeAfter(seen);
        await assertListed(store, ["job-1"]);
        await store.remove("job-1");
        await assertListed(store, []);
      },
    },
  ],
};
