import { JOB_ID, SUBJECT } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import type { ListedJob, PostgresCalls } from "./calls.js";

/** Reads a page; see `ProgressStore.list`. */
export type PostgresList = ProgressStore["list"];

/** Stands for the place before the first job: the highest `bigint`, after which no place follows. */
const FIRST: ListedJob = ["9223372036854775807", ""];

/** The function that reads the pages of one store. */
export function postgresList(calls: PostgresCalls): PostgresList {
  return async (subject, { limit, before }) => {
    const after = before === undefined ? FIRST : parseNext(before);
    if (after === undefined || !SUBJECT.test(subject)) return { jobs: [], next: undefined };
    const found = await calls.list(subject, limit, after);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const hasMore = last !== undefined && found.length > limit;
    return { jobs: page.map(([, jobId]) => jobId), next: hasMore ? last.join(".") : undefined };
  };
}

/** The place that a `next` names: `place.id`. `undefined` if it is none. */
function parseNext(next: string): ListedJob | undefined {
  const [, place = "", jobId = ""] = /^(\d{1,18})\.(.+)$/.exec(next) ?? [];
  return JOB_ID.test(jobId) ? [place, jobId] : undefined;
}
