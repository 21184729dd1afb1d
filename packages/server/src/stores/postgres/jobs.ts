import {
  type Change,
  JOB_ID,
  type LogLine,
  type ProgressError,
  parseCursor,
  printCursor,
} from "@emlinh/progress-protocol";
import type { ProgressStore, StoredDelta } from "../../core/store.js";
import {
  attemptSuperseded,
  holdLost,
  idTaken,
  jobExpired,
  jobFinished,
  jobHeld,
  jobNotFound,
} from "../../shared/errors.js";
import type { PostgresCalls, ReadAnswer, Refusal } from "./calls.js";
import type { ChangeNotification } from "./change-notification.js";
import { listKey } from "./watch-key.js";

/** The methods of a store that concern one job. */
export type PostgresJobs = Pick<ProgressStore, "create" | "write" | "read" | "remove">;

/**
 * Calls the functions in the database, throws their refusals, and notifies of each change.
 *
 * @param notify - Called after each change, before the method resolves.
 */
export function postgresJobs(
  calls: PostgresCalls,
  notify: (notification: ChangeNotification) => void,
): PostgresJobs {
  /** Notifies of a creation or a removal, and of the lists that the job joins or leaves. */
  function notifyOfMembership(jobId: string, subjects: readonly string[]): void {
    for (const key of [jobId, ...subjects.map(listKey)]) notify({ key });
  }

  return {
    async create(draft) {
      const answer = await calls.create(draft);
      if (answer.refused !== undefined) throw idTaken(draft.id);
      const { id: jobId, created } = answer;
      if (created) notifyOfMembership(jobId, draft.subjects ?? []);
      return { jobId, cursor: printCursor(answer), created };
    },

    async write(jobId, change) {
      if (!JOB_ID.test(jobId)) throw jobNotFound(jobId);
      const answer = await calls.write(jobId, change);
      if (answer.refused !== undefined) throw refusalError(answer, jobId, change);
      const cursor = printCursor(answer);
      if (answer.raised) notify({ key: jobId, cursor });
      return { cursor, now: answer.now };
    },

    async read(jobId, after) {
      if (!JOB_ID.test(jobId)) return undefined;
      const answer = await calls.read(jobId, parseCursor(after));
      if (answer?.removed) throw jobExpired(jobId);
      return answer && deltaOf(answer);
    },

    async remove(jobId) {
      const subjects = JOB_ID.test(jobId) ? await calls.remove(jobId) : undefined;
      if (subjects === undefined) return false;
      notifyOfMembership(jobId, subjects);
      return true;
    },
  };
}

function refusalError(
  { refused, status, current }: Refusal,
  jobId: string,
  change: Change,
): ProgressError {
  switch (refused) {
    case "job-not-found":
      return jobNotFound(jobId);
    case "job-expired":
      return jobExpired(jobId);
    case "job-finished":
      return jobFinished(jobId, String(JSON.parse(status ?? "null")));
    case "attempt-superseded":
      return attemptSuperseded(jobId, Number(change.set.attempt), Number(current));
    case "job-held":
      return jobHeld(jobId);
    case "hold-lost":
      return holdLost(jobId);
    case "id-taken":
      return idTaken(jobId);
  }
}

function deltaOf({
  reset,
  set,
  lines,
  done,
  now,
  ...at
}: Exclude<ReadAnswer, { removed: true }>): StoredDelta {
  const log = lines.map(([n, version, line]) => ({ ...line, n, version }) as LogLine);
  return { cursor: printCursor(at), reset, set, log, done, now };
}
