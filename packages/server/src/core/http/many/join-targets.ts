import { isProgressError, type RefusalCode, type Refused } from "@emlinh/progress-protocol";
import { clientGone, draining } from "../../../shared/errors.js";
import type { DisconnectTarget } from "../../disconnect-target.js";
import type { Hub } from "../../hub/hub.js";
import type { ListHandle, TopicHandle } from "../../hub/join.js";
import { isGone, type RequestClient } from "../../request-client.js";
import type { Targets } from "./read-targets.js";

/** The topics of one request for many jobs, under one slot. */
export interface JoinedTargets {
  /** Of the named jobs that there are. */
  readonly jobs: readonly TopicHandle[];
  readonly lists: readonly ListHandle[];
  /** The named jobs that there are not. */
  readonly refused: readonly Refused[];
  /** Lets everything go, and gives the slot back. Idempotent. */
  leave(): void;
}

/** Who reads. */
export interface ManyReader {
  readonly client: RequestClient;
  /** As far as the app said so. */
  readonly principals: readonly string[];
}

/**
 * Joins the topics of jobs and lists, and waits until each of them has what the reader has, which may come from another
 * process.
 *
 * @throws ProgressError `too-many-streams`, `draining`, `closed` (also if the client left), `store-unavailable`
 */
export async function joinTargets(
  hub: Hub,
  targets: Targets,
  { client, principals }: ManyReader,
): Promise<JoinedTargets> {
  const handles = handleBag(hub.takeSlot(client, principals));
  const { jobs, subjects, cursors, limit, seen } = targets;

  async function joinJob(jobId: string): Promise<JoinedJob> {
    try {
      const cursor = cursors.get(jobId);
      const handle = await hub.join(jobId, { cursor, client, isOneOfMany: true });
      return { handle: handles.add(handle) };
    } catch (error) {
      const refused = refusedJob(jobId, error);
      if (refused === undefined) throw error;
      return { refused };
    }
  }

  async function joinList(subject: string): Promise<ListHandle> {
    const handle = handles.add(await hub.joinList({ subject, limit, seen, client }));
    const topics = handle.topic.topics();
    await Promise.all(topics.map((topic) => hub.catchUp(topic, cursors.get(topic.jobId))));
    return handle;
  }

  try {
    const joined = Promise.all([
      Promise.all(jobs.map(joinJob)),
      Promise.all(subjects.map(joinList)),
    ]);
    const [joinedJobs, lists] = await hub.wait(joined, client);
    if (hub.isDraining()) throw draining();
    if (isGone(client)) throw clientGone();
    return {
      jobs: joinedJobs.flatMap(({ handle }) => handle ?? []),
      lists,
      refused: joinedJobs.flatMap(({ refused }) => refused ?? []),
      leave: handles.leave,
    };
  } catch (error) {
    handles.leave();
    throw error;
  }
}

/** A named job: one of the two. */
interface JoinedJob {
  readonly handle?: TopicHandle;
  readonly refused?: Refused;
}

/** Whether one of the joined topics is of the job or the subject of a target, if that names one. */
export function readsTarget(
  { jobs, lists }: Pick<JoinedTargets, "jobs" | "lists">,
  { jobId, subject }: DisconnectTarget,
): boolean {
  if (subject !== undefined) return lists.some(({ topic }) => topic.subject === subject);
  if (jobId === undefined) return true;
  return (
    jobs.some(({ topic }) => topic.jobId === jobId) || lists.some(({ topic }) => topic.has(jobId))
  );
}

/** The number of jobs that were joined, each counted once. */
export function jobCount({ jobs, lists }: Pick<JoinedTargets, "jobs" | "lists">): number {
  const listed = lists.flatMap(({ topic }) => topic.topics());
  return new Set([...jobs.map(({ topic }) => topic), ...listed]).size;
}

/** The refusal of a job that is unknown or was removed; `undefined` for any other error. */
export function refusedJob(job: string, error: unknown): Refused | undefined {
  if (!isProgressError(error)) return undefined;
  const status = GONE[error.code as RefusalCode];
  return status === undefined ? undefined : { job, status, code: error.code as RefusalCode };
}

const GONE: { readonly [Code in RefusalCode]?: number } = {
  "job-not-found": 404,
  "job-expired": 410,
};

/** Handles that are left together, also those that come later. */
interface HandleBag {
  add<Handle extends { leave(): void }>(handle: Handle): Handle;
  leave(): void;
}

function handleBag(giveSlotBack: () => void): HandleBag {
  const handles = new Set<{ leave(): void }>();
  let isLeft = false;
  return {
    add(handle) {
      if (isLeft) handle.leave();
      else handles.add(handle);
      return handle;
    },
    leave() {
      if (isLeft) return;
      isLeft = true;
      for (const handle of handles) handle.leave();
      handles.clear();
      giveSlotBack();
    },
  };
}
