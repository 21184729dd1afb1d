import type {
  Applied,
  Cursor,
  JobDelta,
  JobState,
  JobTypes,
  Listed,
} from "@emlinh/progress-protocol";
import { type ReplicaView, replicaView } from "../connection/replica-view.js";
import type { JobPage } from "./job-pages.js";
import { type JobWindow, NO_JOBS, withListed, without, withPage } from "./job-window.js";
import type { InitialJobs } from "./watch-jobs-options.js";

/** The jobs of a list, each with its replica. */
export interface ListedJobs<Job extends JobTypes> {
  /** The list as the server told it last. */
  readonly listed: Listed | undefined;
  readonly window: JobWindow;
  /** In the order of the list. Without those that have no data yet. */
  states(): JobState<Job>[];
  /** Older jobs that have not ended: the list does not keep them up to date. */
  named(): string[];
  cursorOf(jobId: string): Cursor | undefined;
  receive(delta: JobDelta, now: number): Applied;
  /** @param keepsOlder - See {@link withListed}. */
  replace(listed: Listed, keepsOlder: boolean): void;
  addPage(page: JobPage, now: number): void;
  remove(gone: ReadonlySet<string>): void;
  deriveEtas(now: number): void;
}

/** The facts about replicas that a list needs. */
export interface ListedJobsOptions<Job extends JobTypes> {
  readonly maxLogLines: number;
  readonly initial: InitialJobs<Job> | undefined;
  /** The time of the device, in milliseconds since the epoch. */
  readonly now: number;
}

/** Makes a list that has the initial jobs, or none. */
export function listedJobs<Job extends JobTypes>({
  maxLogLines,
  initial,
  now,
}: ListedJobsOptions<Job>): ListedJobs<Job> {
  const views = new Map<string, ReplicaView<Job>>();
  let listed: Listed | undefined;
  let window = NO_JOBS;

  function show(next: JobWindow): void {
    window = next;
    const ids = new Set([...window.live, ...window.older, ...(listed?.jobs ?? [])]);
    for (const id of views.keys()) if (!ids.has(id)) views.delete(id);
    for (const id of ids) if (!views.has(id)) views.set(id, replicaView(id, maxLogLines));
  }

  function apply({ job, delta }: JobDelta, now: number): Applied {
    const view = views.get(job);
    if (!view) return "known";
    const applied = view.apply(delta, now);
    // A list has no listeners for single jobs.
    view.events.length = 0;
    return applied;
  }

  if (initial) {
    const { jobs, next = null } = initial;
    for (const job of jobs) views.set(job.id, replicaView(job.id, maxLogLines, { job, now }));
    show({ live: jobs.map(({ id }) => id), older: [], next });
  }
  return {
    get listed() {
      return listed;
    },
    get window() {
      return window;
    },
    states: () => [...window.live, ...window.older].flatMap((id) => views.get(id)?.job ?? []),
    named: () => window.older.filter((id) => !views.get(id)?.replica.done),
    cursorOf: (jobId) => views.get(jobId)?.cursor,
    receive: apply,
    replace(next, keepsOlder) {
      listed = next;
      show(withListed(window, next, keepsOlder));
    },
    addPage({ listed: page, deltas }, now) {
      show(withPage(window, page));
      // The live state of a job may be newer than that of the page.
      for (const delta of deltas) if (views.get(delta.job)?.cursor === undefined) apply(delta, now);
    },
    remove: (gone) => show(without(window, gone)),
    deriveEtas(now) {
      for (const view of views.values()) {
        view.deriveEta(now);
        view.events.length = 0;
      }
    },
  };
}
