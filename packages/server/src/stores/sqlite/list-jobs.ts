import type { JobPage, PageRequest } from "../../core/store.js";
import type { Statements } from "./statements.js";

/** Returns a page of a list. A position is the place of its last job. */
export function listJobs(
  { listedBelow }: Statements,
  subject: string,
  { limit, before }: PageRequest,
): JobPage {
  const rows = listedBelow(subject, placeOf(before), limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = last !== undefined && rows.length > limit;
  return { jobs: page.map(({ id }) => id), next: hasMore ? String(last.place) : undefined };
}

function placeOf(before: string | undefined): number {
  if (before === undefined) return Number.MAX_SAFE_INTEGER;
  return /^\d{1,15}$/.test(before) ? Number(before) : 0;
}
