import type { Change } from "@emlinh/progress-protocol";
import {
  type Delta,
  JOB_ID,
  type LogLine,
  type ProgressError,
  parseCursor,
  printCursor,
} from "@emlinh/progress-protocol";
import type { Created, JobDraft, ProgressStore, SweepReport } from "../../core/store.js";
import {
  attemptSuperseded,
  idTaken,
  jobExpired,
  jobFinished,
  jobNotFound,
  storeClosed,
} from "../../shared/errors.js";
import { sweepCounts } from "../../shared/lifecycle.js";
import { within } from "../../shared/time.js";
import { postgresCalls, type ReadAnswer, type Refused } from "./calls.js";
import { hintSender, newSender, type PostgresHint } from "./notify-batcher.js";
import { type PostgresStoreOptions, resolvePostgresOptions } from "./options.js";
import { postgresWatches } from "./watch.js";

/** Calls that one sweep makes at most: jobs of which only `due_at` is put right are not counted by its limit. */
const MAX_SWEEP_CALLS = 100;

const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Keeps jobs in PostgreSQL (12 or later, with UTF-8), for any number of processes.
 *
 * A write is one statement under the lock of its job's row: one round trip, and writers of one job take turns. It works through PgBouncer in transaction
 * mode, then with a `listener` of its own, or with `false`. All times are the database's: a process whose clock is wrong ends no other's job.
 *
 * What is due when is reckoned with the TTLs of the process that writes, and once more with those of the one that sweeps: with different ones the longer
 * counts.
 *
 * @returns a store that takes one connection out of the pool when a job is first watched, unless it was given a `listener`, and gives it back on `close()`:
 * close the store before you end the pool.
 * @throws ProgressError `invalid-option` if a bound is not a positive number, a name no identifier, or the pool can't spare a connection.
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P18
 *
 * @example
 * ```ts
 * const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
 * const progress = createProgress({ store: postgresStore({ pool }), authorize: allowAnyone });
 * ```
 *
 * @example
 * With the `postgres` package:
 * ```ts
 * const sql = postgres(process.env.DATABASE_URL);
 * const store = postgresStore({
 *   pool: { query: async (text, values) => ({ rows: await sql.unsafe(text, values) }) },
 *   listener: sql,
 * });
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): ProgressStore {
  const settings = resolvePostgresOptions(options);
  const { pool, maxLogLines } = settings;
  const calls = postgresCalls(settings);
  const sender = newSender();
  const hints = hintSender(sender, calls.notify);
  const watches = postgresWatches({ ...settings, sender, look: calls.look });
  let closing: Promise<unknown> | undefined;
  pool.on?.("error", ignoreIdleError);

  function assertOpen(): void {
    if (closing !== undefined) throw storeClosed();
  }

  function tell(hint: PostgresHint): void {
    watches.told(hint);
    hints.add(hint);
  }

  return {
    maxLogLines,

    async create(draft: JobDraft): Promise<Created> {
      assertOpen();
      const answer = await calls.create(draft);
      if (answer.refused !== undefined) throw idTaken(draft.id);
      const { id: jobId, created } = answer;
      if (created) tell({ jobId });
      return { jobId, cursor: printCursor(answer), created };
    },

    async write(jobId, change) {
      assertOpen();
      if (!JOB_ID.test(jobId)) throw jobNotFound(jobId);
      const answer = await calls.write(jobId, change);
      if (answer.refused !== undefined) throw refusalOf(answer, jobId, change);
      const cursor = printCursor(answer);
      if (answer.raised) tell({ jobId, cursor });
      return cursor;
    },

    async read(jobId, after) {
      assertOpen();
      if (!JOB_ID.test(jobId)) return undefined;
      const answer = await calls.read(jobId, parseCursor(after));
      if (answer?.removed) throw jobExpired(jobId);
      return answer && deltaOf(answer);
    },

    async watch(jobId, wake) {
      assertOpen();
      return watches.watch(jobId, wake);
    },

    async sweep(now, limit): Promise<SweepReport> {
      assertOpen();
      const counts = sweepCounts();
      let left = limit;
      let more = true;
      for (let round = 0; more && left > 0 && round < MAX_SWEEP_CALLS; round += 1) {
        const answer = await calls.sweep(now, left);
        for (const { id: jobId, fate, epoch, version } of answer.swept) {
          counts.add(fate);
          tell({ jobId, cursor: fate === "expired" ? undefined : printCursor({ epoch, version }) });
        }
        left -= answer.swept.length;
        more = left > 0 ? !answer.done : answer.more;
      }
      return counts.report(more);
    },

    async remove(jobId) {
      assertOpen();
      const isRemoved = JOB_ID.test(jobId) && (await calls.remove(jobId));
      if (isRemoved) tell({ jobId });
      return isRemoved;
    },

    async close() {
      // Hints that can't be sent any more are lost, as any may be.
      closing ??= Promise.all([
        watches.close(),
        within(CLOSE_TIMEOUT_MS, hints.close()).catch(() => {}),
      ]);
      await closing;
      pool.removeListener?.("error", ignoreIdleError);
    },
  };
}

/** A connection broke while nobody used it. The pool replaces it, and the next call tells if it can't; unheard, the event would end the process. */
function ignoreIdleError(): void {}

function refusalOf(
  { refused, status, current }: Refused,
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
      return attemptSuperseded(
        jobId,
        Number(change.set.attempt ?? change.attempt),
        Number(current),
      );
    case "id-taken":
      return idTaken(jobId);
  }
}

function deltaOf({
  reset,
  set,
  lines,
  done,
  ...at
}: Exclude<ReadAnswer, { removed: true }>): Delta {
  const log = lines.map(([n, version, line]) => ({ ...line, n, version }) as LogLine);
  return { cursor: printCursor(at), reset, set, log, done };
}
