import {
  type Cursor,
  DEFAULT_LISTED_JOBS,
  MAX_LISTED_JOBS,
  ProgressError,
  parseTarget,
  SUBJECT,
} from "@emlinh/progress-protocol";
import { SUBJECT_RULE } from "../../../shared/ids.js";
import type { Settings } from "../../options.js";
import { jobIdOf, malformed, quoted } from "../request-parts.js";
import type { RequestFacts } from "../types.js";

/** The jobs and lists that a request asks for (P63). */
export interface Targets {
  /** Ids of the jobs that are named, each once. */
  readonly jobs: readonly string[];
  /** Each once. */
  readonly subjects: readonly string[];
  /** The reader's cursors, of named jobs and of those that may be listed. */
  readonly cursors: ReadonlyMap<string, Cursor>;
  /** The tags of the lists that the reader has. */
  readonly seen: ReadonlySet<string>;
  /** The most jobs of each list. */
  readonly limit: number;
  /** Where the page of the list begins; `undefined` for the first page. */
  readonly before: string | undefined;
}

/** The bounds of a request for many jobs. */
export type TargetLimits = Pick<Settings, "maxJobsPerStream" | "maxSubjectsPerStream">;

/** Characters of a query, decoded (P68). */
const MAX_QUERY_LENGTH = 8_000;

/**
 * Reads the query of a request for many jobs.
 *
 * @throws ProgressError `invalid-request`, `too-many-targets`, `url-too-long`
 */
export function readTargets({ query }: RequestFacts, limits: TargetLimits): Targets {
  const length = lengthOf(query);
  if (length > MAX_QUERY_LENGTH) throw urlTooLong(length);
  const cursors = new Map<string, Cursor>();
  const named = query.getAll("job").map((text) => readNamed(text, cursors));
  readCursors(query.getAll("after"), cursors);
  const jobs = [...new Set(named)];
  const subjects = [...new Set(query.getAll("subject").map(subjectOf))];
  if (jobs.length + subjects.length === 0)
    throw malformed(
      "The query names no job and no subject. Many jobs are served at {base}?job=ID&subject=SUBJECT, and one " +
        "at {base}/{jobId}.",
    );
  requireAtMost(limits.maxJobsPerStream, jobs.length, "jobs");
  requireAtMost(limits.maxSubjectsPerStream, subjects.length, "subjects");
  const seen = new Set(query.getAll("seen"));
  return { jobs, subjects, cursors, seen, limit: limitOf(query), before: beforeOf(query) };
}

/** The same for each adapter, and for each way to encode the query. */
function lengthOf(query: URLSearchParams): number {
  let length = 0;
  for (const [name, value] of query) length += name.length + value.length + 2;
  return length;
}

function readNamed(text: string, cursors: Map<string, Cursor>): string {
  const { jobId, cursor } = parseTarget(text);
  // The first cursor of a job counts, and that of `job` before that of `after`.
  if (cursor !== undefined && !cursors.has(jobId)) cursors.set(jobId, cursor);
  return jobIdOf(jobId);
}

/** A cursor of a malformed id is of no job, so it changes nothing. */
function readCursors(texts: readonly string[], cursors: Map<string, Cursor>): void {
  for (const text of texts) {
    const { jobId, cursor } = parseTarget(text);
    if (cursor !== undefined && !cursors.has(jobId)) cursors.set(jobId, cursor);
  }
}

function subjectOf(text: string): string {
  if (SUBJECT.test(text)) return text;
  throw malformed(`The subject is ${quoted(text)}; it must be ${SUBJECT_RULE}.`);
}

function limitOf(query: URLSearchParams): number {
  const text = query.get("limit") ?? String(DEFAULT_LISTED_JOBS);
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LISTED_JOBS) return limit;
  const rule = `it must be a whole number from 1 to ${MAX_LISTED_JOBS}`;
  throw malformed(`The query parameter "limit" is ${quoted(text)}; ${rule}.`);
}

function beforeOf(query: URLSearchParams): string | undefined {
  const before = query.get("before") ?? undefined;
  if (before === undefined || /^[A-Za-z0-9._-]{1,200}$/.test(before)) return before;
  const rule = 'it must be the "next" of a list';
  throw malformed(`The query parameter "before" is ${quoted(before)}; ${rule}.`);
}

function requireAtMost(max: number, count: number, what: "jobs" | "subjects"): void {
  if (count <= max) return;
  const option = what === "jobs" ? "maxJobsPerStream" : "maxSubjectsPerStream";
  throw new ProgressError("too-many-targets", {
    message: `The request names ${count} ${what}, and the limit is ${max}. Send several, or raise ${option}.`,
    status: 400,
    details: { count, max },
  });
}

function urlTooLong(length: number): ProgressError {
  return new ProgressError("url-too-long", {
    message:
      `The query has ${length} characters, and the limit is ${MAX_QUERY_LENGTH}. ` +
      "Leave out the cursors of ended jobs, or send several requests.",
    status: 414,
    details: { length, max: MAX_QUERY_LENGTH },
  });
}
