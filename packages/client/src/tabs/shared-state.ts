import {
  type Applied,
  applyDelta,
  type Cursor,
  DEFAULT_MAX_LOG_LINES,
  deltaAfter,
  emptyReplica,
  isEmpty,
  type JobDelta,
  type Listed,
  parseCursor,
  type Refused,
  type Replica,
} from "@emlinh/progress-protocol";
import type { FeedTargets } from "../core/feed/feed.js";
import type { Ask, SharedDelta } from "./messages.js";

/** The data that a follower lacks. */
export interface Lacked {
  readonly listed: readonly Listed[];
  readonly deltas: readonly SharedDelta[];
  readonly refused: readonly Refused[];
}

/**
 * Everything that the leader's connection brought: a copy of each job, the lists and the refusals. It begins empty, so
 * all of it was read from the server after the leader's term began.
 */
export interface SharedState {
  cursorOf(jobId: string): Cursor | undefined;
  listOf(subject: string): Listed | undefined;
  /** Advances the copy of a job. */
  receive(delta: JobDelta): { readonly applied: Applied; readonly update?: SharedDelta };
  /** Takes a list. @returns the states of jobs that it adds, as far as they are known already. */
  listed(listed: Listed): readonly SharedDelta[];
  refused(refused: Refused): void;
  /** Forgets everything that is not of these targets. */
  keep(targets: FeedTargets): void;
  /** The answer to a follower: the same question as everywhere, asked of each job. */
  answer(ask: Ask): Lacked;
}

/** @param maxLogLines - Lines kept per job. */
export function sharedState(maxLogLines: number): SharedState {
  const replicas = new Map<string, Replica>();
  const lists = new Map<string, Listed>();
  const refusals = new Map<string, Refused>();

  const lacked = (job: string, after?: Cursor): SharedDelta[] => lackedOf(replicas, job, after);

  return {
    cursorOf: (jobId) => replicas.get(jobId)?.cursor,
    listOf: (subject) => lists.get(subject),

    receive(delta) {
      const { job } = delta;
      const replica = replicas.get(job) ?? emptyReplica();
      const from = replicas.get(job)?.cursor;
      const applied = applyDelta(
        replica,
        delta.delta,
        Math.max(maxLogLines, DEFAULT_MAX_LOG_LINES),
      );
      // The next request asks for the whole state.
      if (applied === "unknown-epoch") replicas.delete(job);
      if (applied === "unknown-epoch" || applied === "known") return { applied };
      replicas.set(job, replica);
      refusals.delete(nameOf({ job }));
      return { applied, update: { ...delta, from } };
    },

    listed(list) {
      const before = lists.get(list.subject)?.jobs ?? [];
      lists.set(list.subject, list);
      refusals.delete(nameOf(list));
      const known = new Set(before);
      return list.jobs.filter((job) => !known.has(job)).flatMap((job) => lacked(job));
    },

    refused(refused) {
      refusals.set(nameOf(refused), refused);
    },

    keep(targets) {
      deleteOthers(refusals, namesOf(targets));
      deleteOthers(lists, targets.subjects);
      deleteOthers(replicas, [...targets.jobs, ...[...lists.values()].flatMap(({ jobs }) => jobs)]);
    },

    answer({ targets, cursors, seen }) {
      const known = targets.subjects.flatMap((subject) => lists.get(subject) ?? []);
      const wanted = new Set([...targets.jobs, ...known.flatMap((list) => list.jobs)]);
      return {
        listed: known.filter(({ tag }) => !seen.includes(tag)),
        deltas: [...wanted].flatMap((job) => lacked(job, cursors[job])),
        refused: namesOf(targets).flatMap((name) => refusals.get(name) ?? []),
      };
    },
  };
}

/** The changes that a reader lacks; none if it is ahead, because the connection is about to catch up. */
function lackedOf(
  replicas: ReadonlyMap<string, Replica>,
  job: string,
  after: Cursor | undefined,
): SharedDelta[] {
  const replica = replicas.get(job);
  if (!replica || isBefore(replica.cursor, after)) return [];
  const delta = deltaAfter(replica, after);
  return isEmpty(delta) ? [] : [{ job, from: delta.reset ? undefined : after, delta }];
}

function deleteOthers(map: Map<string, unknown>, kept: readonly string[]): void {
  const names = new Set(kept);
  for (const name of map.keys()) if (!names.has(name)) map.delete(name);
}

function namesOf({ jobs, subjects }: FeedTargets): string[] {
  const ofSubjects = subjects.map((subject) => nameOf({ subject }));
  return [...jobs.map((job) => nameOf({ job })), ...ofSubjects];
}

/** One name for a job or a subject. */
function nameOf({ job, subject }: { readonly job?: string; readonly subject?: string }): string {
  return job === undefined ? `subject ${subject}` : `job ${job}`;
}

/** Whether two cursors are of one epoch, and the first is before the second. */
function isBefore(first: Cursor, second: Cursor | undefined): boolean {
  const [a, b] = [parseCursor(first), parseCursor(second)];
  return a?.epoch === b?.epoch && (a?.version ?? 0) < (b?.version ?? 0);
}
