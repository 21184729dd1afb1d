import type { ProgressStore } from "@emlinh/progress-server";
import { assertEqual, assertTrue } from "@emlinh/progress-server/testing/assert";
import type { ModelJob, StoreModel } from "./store-model.js";
import { SUBJECTS } from "./store-steps.js";

/** Readings of lists, page by page, while jobs come and go. */
export interface ListReadings {
  /** Reads the page that follows the last one of a subject, or the first one. */
  readPage(store: ProgressStore, page: { subject: string; limit: number }): Promise<void>;
}

/** One reading of a whole list. Jobs are named by their epochs, because a job may be created again. */
interface Reading {
  readonly expected: readonly string[];
  readonly seen: Set<string>;
  before: string | undefined;
}

/** Makes readings that have not begun. */
export function listReadings(model: StoreModel): ListReadings {
  const readings = new Map<string, Reading>();
  return {
    async readPage(store, { subject, limit }) {
      const expected = model.listed(subject).map(([, { epoch }]) => epoch);
      const reading = readings.get(subject) ?? { expected, seen: new Set(), before: undefined };
      const { jobs, next } = await store.list(subject, { limit, before: reading.before });
      for (const { epoch } of checkedPage(model, subject, jobs)) {
        assertTrue(!reading.seen.has(epoch), `The jobs ${jobs} of a page were on an earlier one.`);
        reading.seen.add(epoch);
      }
      assertTrue(jobs.length <= limit, `A page has ${jobs.length} jobs; its limit is ${limit}.`);
      assertTrue(next === undefined || jobs.length === limit, "A page with a next is not full.");
      reading.before = next;
      readings.set(subject, reading);
      if (next !== undefined) return;
      readings.delete(subject);
      const missed = model.listed(subject).filter(([, { epoch }]) => {
        return reading.expected.includes(epoch) && !reading.seen.has(epoch);
      });
      assertEqual(
        missed.map(([id]) => id),
        [],
        "jobs that are on no page",
      );
    },
  };
}

/** Compares the whole lists of a store with those of the model. */
export async function checkLists(store: ProgressStore, model: StoreModel): Promise<void> {
  for (const subject of SUBJECTS) {
    const { jobs, next } = await store.list(subject, { limit: 100 });
    checkedPage(model, subject, jobs);
    const wanted = model.listed(subject).map(([id]) => id);
    assertEqual([jobs.toSorted(), next], [wanted.toSorted(), undefined], `the list ${subject}`);
  }
}

/** The jobs of a page. Fails the test if one is not of the subject, or is before a newer one. */
function checkedPage(
  model: StoreModel,
  subject: string,
  ids: readonly string[],
): readonly ModelJob[] {
  const listed = new Map(model.listed(subject));
  const jobs = ids.map((id) => {
    const job = listed.get(id);
    assertTrue(job !== undefined, `The job "${id}" is in the list ${subject}.`);
    return job;
  });
  const times = jobs.map(({ createdAt }) => createdAt);
  assertEqual(
    times,
    times.toSorted((a, b) => b - a),
    "the times of creation on a page",
  );
  return jobs;
}
