import type { JobPage, PageRequest } from "@emlinh/progress-server";
import type { Jobs } from "./job-file.js";

/**
 * A page of the list of a subject. The position of a page is the number of its last job, which stays valid when that
 * job is removed. This looks at every job; a database has an index on subject and number.
 */
export function pageOf(jobs: Jobs, subject: string, { limit, before }: PageRequest): JobPage {
  const place = placeOf(before);
  const found = [...jobs.values()]
    .filter(({ subjects, number }) => subjects.includes(subject) && number < place)
    .reverse();
  const page = found.slice(0, limit);
  const hasMore = found.length > page.length;
  return {
    jobs: page.map(({ id }) => id),
    next: hasMore ? String(page.at(-1)?.number) : undefined,
  };
}

/** A text that is no position is below every number. */
function placeOf(before: string | undefined): number {
  if (before === undefined) return Number.POSITIVE_INFINITY;
  return /^\d{1,15}$/.test(before) ? Number(before) : 0;
}
