import {
  type AnyJob,
  type Change,
  type Cursor,
  type Fields,
  isTerminal,
  type JobDefinition,
  type JobTypes,
  type Json,
  replicaFields,
} from "@emlinh/progress-protocol";
import { closedError, jobFinished } from "../../shared/errors.js";
import type { CreatedJob } from "../draft.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Hub } from "../hub/hub.js";
import { resolveLeaseMs, type Settings } from "../options.js";
import { createReporter, type OpenReporter } from "./open-reporter.js";

/** How a job is opened. */
export interface OpenOptions<Job extends JobTypes = AnyJob> {
  /** Aborting it cancels the work, as if that had been asked for from outside. */
  readonly signal?: AbortSignal | undefined;
  /** The job's types and its result's validator, where only an id is at hand. */
  readonly definition?: JobDefinition<Job> | undefined;
  /** In place of the server's; at least three times its `reportIntervalMs`. */
  readonly leaseMs?: number | undefined;
  /** `"next"` begins a retry: its steps, percent and error are taken back, and the worker of the attempt before is refused from then on. @defaultValue `"current"` */
  readonly attempt?: "current" | "next" | undefined;
}

/** What jobs are opened in. */
export interface OpenRooms {
  readonly hub: Hub;
  readonly store: GuardedStore;
  readonly settings: Settings;
  readonly onOpened: (reporter: OpenReporter<JobTypes>) => void;
  readonly onClosed: (reporter: OpenReporter<JobTypes>) => void;
}

/**
 * Takes a job for a worker: it is running from then on, and leased.
 *
 * @throws ProgressError `job-not-found`, `job-expired`, `job-finished`, `attempt-superseded` if another began the same attempt, `store-unavailable`, `closed`, `invalid-option`
 */
export async function openJob<Job extends JobTypes>(
  { hub, store, settings, onOpened, onClosed }: OpenRooms,
  job: string | CreatedJob<Job>,
  options: OpenOptions<Job> = {},
): Promise<OpenReporter<Job>> {
  const jobId = typeof job === "string" ? job : job.id;
  const leaseMs = resolveLeaseMs(options.leaseMs, settings);
  const seat = await hub.join(jobId, { fresh: true, counted: false });
  try {
    const before = replicaFields(seat.topic.replica());
    if (isTerminal(before.status)) throw jobFinished(jobId, before.status);
    const current = Number(before.attempt ?? 1);
    const isNext = options.attempt === "next";
    const set = isNext
      ? nextAttempt(before, current + 1, settings.clock())
      : begun(before, settings.clock());
    const attempt = isNext ? current + 1 : current;
    const change: Change = { set, log: [], attempt, leaseMs };
    const cursor: Cursor = await store.write(jobId, change);
    // Nobody would stop a reporter that comes after `close()`. The lease that it just took runs out.
    if (hub.isClosed()) throw closedError("This progress");
    const reporter: OpenReporter<Job> = createReporter<Job>({
      jobId,
      definition: options.definition ?? (typeof job === "string" ? undefined : job.definition),
      store,
      settings,
      leaseMs,
      attempt,
      seat,
      fields: { ...before, ...set, stale: false },
      cursor,
      signal: options.signal,
      onClosed: () => onClosed(reporter as OpenReporter<JobTypes>),
    });
    onOpened(reporter as OpenReporter<JobTypes>);
    reporter.begin();
    return reporter;
  } catch (error) {
    seat.leave();
    throw error;
  }
}

/** A job that runs already is only taken over. */
function begun(before: Fields, now: number): Fields {
  return before.status === "queued" ? { status: "running", startedAt: now } : {};
}

function nextAttempt(before: Fields, attempt: number, now: number): Fields {
  const cleared: Record<string, Json> = {};
  for (const field of Object.keys(before)) if (field.startsWith("steps.")) cleared[field] = null;
  return {
    ...cleared,
    status: "running",
    attempt,
    step: null,
    percent: null,
    error: null,
    startedAt: now,
  };
}
