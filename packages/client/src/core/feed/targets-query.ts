import { type Cursor, printTarget } from "@emlinh/progress-protocol";
import { waitOf } from "../connection/connection.js";
import type { FeedReceiver, FeedTargets } from "./feed.js";

/** The query of a request for many jobs. */
export interface TargetsQuery {
  readonly text: string;
  /** The cursors in it, by job. */
  readonly cursors: Map<string, Cursor>;
  /** Whether it has the cursor of each job. If not, the answer repeats the whole states of some jobs. */
  readonly hasAllCursors: boolean;
}

/** A server refuses a longer query (P68). Proxies accept 8 KiB for the first line of a request. */
const MAX_QUERY_CHARS = 7_999;

/**
 * Makes the query for targets, from where their receiver goes on (P63). If it grows too long, the cursors of the last
 * listed jobs are left out first: a list has its oldest jobs last, which have ended most often.
 *
 * @param holdMs - How long the server is asked to hold a poll; 0 for not at all.
 */
export function targetsQuery(
  { jobs, subjects, limit }: FeedTargets,
  { cursorOf, listOf }: Pick<FeedReceiver, "cursorOf" | "listOf">,
  holdMs: number,
): TargetsQuery {
  const lists = subjects.flatMap((subject) => listOf(subject) ?? []);
  const fixed = [
    ...subjects.map((subject) => `subject=${encodeURIComponent(subject)}`),
    ...(subjects.length > 0 ? [`limit=${limit}`] : []),
    ...lists.map(({ tag }) => `seen=${encodeURIComponent(tag)}`),
    ...(holdMs > 0 ? [waitOf(holdMs)] : []),
  ];
  let room = MAX_QUERY_CHARS - lengthOf([...fixed, ...jobs.map((jobId) => `job=${jobId}`)]);
  let hasAllCursors = true;
  const cursors = new Map<string, Cursor>();

  /** The cursor of a job, if there is room for it. @param extra - Characters that are added with it. */
  function takeCursor(jobId: string, extra: number): Cursor | undefined {
    const cursor = cursorOf(jobId);
    if (cursor === undefined) return undefined;
    room -= cursor.length + extra;
    if (room < 0) {
      hasAllCursors = false;
      return undefined;
    }
    cursors.set(jobId, cursor);
    return cursor;
  }

  const named = jobs.map((jobId) => `job=${printTarget(jobId, takeCursor(jobId, 1))}`);
  const others = new Set(lists.flatMap((list) => list.jobs));
  for (const jobId of jobs) others.delete(jobId);
  const after = [...others].flatMap((jobId) => {
    const cursor = takeCursor(jobId, `&after=${jobId}@`.length);
    return cursor ? [`after=${printTarget(jobId, cursor)}`] : [];
  });
  return { text: [...named, ...fixed, ...after].join("&"), cursors, hasAllCursors };
}

function lengthOf(parameters: readonly string[]): number {
  return parameters.reduce((length, parameter) => length + parameter.length + 1, 0);
}
