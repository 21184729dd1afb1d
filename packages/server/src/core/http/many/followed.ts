import type { Cursor, Refused } from "@emlinh/progress-protocol";
import type { ListHandle } from "../../hub/join.js";
import type { ListListener, ListTopic } from "../../hub/list-topic.js";
import type { Topic, TopicListener } from "../../hub/topic.js";
import type { JoinedTargets } from "./join-targets.js";
import type { Targets } from "./read-targets.js";

/** One who follows many jobs. The functions are called with the follower itself as `this`. */
export interface Follower {
  /** A job has changed, or has been added. @param at - The present time, by `elapsed`. */
  jobChanged(job: FollowedJob, now: number, at: number): void;
  /** A list has changed. Jobs that have left it are followed no more; those that have joined it come later. */
  listChanged(list: FollowedList, at: number): void;
  /** A named job is not followed any more. */
  jobRefused(refused: Refused): void;
  /** A job is not followed any more. */
  jobDropped(job: FollowedJob): void;
  /** A job or a list could not be read for some time. */
  storeLost(): void;
}

/** A job that is followed, and the reader's cursor. It is the listener of its topic, too: there are many of them. */
export interface FollowedJob extends TopicListener {
  readonly followed: Followed;
  readonly topic: Topic;
  /** Whether the reader asked for it by name. If not, it is followed while a list has it. */
  readonly isNamed: boolean;
  cursor: Cursor | undefined;
}

/** A list that is followed. */
export interface FollowedList extends ListListener {
  readonly followed: Followed;
  readonly list: ListTopic;
  /** The tag of the list that the reader has. */
  tag: string | undefined;
}

/** The jobs and lists of one reader, each job once, however many lists have it. */
export interface Followed {
  readonly follower: Follower;
  /** In the order in which they are sent: the named ones, then those of each list. */
  readonly jobs: Map<string, FollowedJob>;
  readonly lists: readonly FollowedList[];
}

/** Begins to listen to all topics. The follower is not called for those that are there now. */
export function followTargets(
  follower: Follower,
  { jobs, lists }: Pick<JoinedTargets, "jobs" | "lists">,
  targets: Pick<Targets, "cursors" | "seen">,
): Followed {
  const followedLists: FollowedList[] = [];
  const followed: Followed = { follower, jobs: new Map(), lists: followedLists };
  const add = (topic: Topic, isNamed: boolean): void => {
    addJob(followed, topic, { isNamed, cursor: targets.cursors.get(topic.jobId) });
  };
  for (const { topic } of jobs) add(topic, true);
  for (const handle of lists) {
    followedLists.push(followList(followed, handle, targets));
    for (const topic of handle.topic.topics()) add(topic, false);
  }
  return followed;
}

/** Stops listening. Idempotent. */
export function unfollow({ jobs, lists }: Followed): void {
  for (const list of lists) list.list.listeners.delete(list);
  for (const job of jobs.values()) job.topic.listeners.delete(job);
}

function followList(
  followed: Followed,
  { topic: list }: ListHandle,
  { seen }: Pick<Targets, "seen">,
): FollowedList {
  const { tag } = list.listed();
  const followedList: FollowedList = {
    followed,
    list,
    tag: seen.has(tag) ? tag : undefined,
    listChanged: onListChanged,
    jobOpened: onJobOpened,
    storeLost: onStoreLost,
  };
  list.listeners.add(followedList);
  return followedList;
}

function onListChanged(this: FollowedList, left: readonly string[], at: number): void {
  const { followed } = this;
  for (const jobId of left) {
    const job = followed.jobs.get(jobId);
    const isListed = followed.lists.some(({ list }) => list.has(jobId));
    if (job !== undefined && !job.isNamed && !isListed) drop(job);
  }
  followed.follower.listChanged(this, at);
}

function onJobOpened(this: FollowedList, topic: Topic, now: number, at: number): void {
  // The reader has dropped what it had of a job that left the list and comes back (P64), so its cursor is void.
  const job = addJob(this.followed, topic, { isNamed: false, cursor: undefined });
  if (job !== undefined) this.followed.follower.jobChanged(job, now, at);
}

function onStoreLost(this: FollowedList | FollowedJob): void {
  this.followed.follower.storeLost();
}

/** @returns `undefined` if the job is followed already. */
function addJob(
  followed: Followed,
  topic: Topic,
  { isNamed, cursor }: Pick<FollowedJob, "isNamed" | "cursor">,
): FollowedJob | undefined {
  const { jobs } = followed;
  if (jobs.has(topic.jobId)) return undefined;
  const job: FollowedJob = {
    followed,
    topic,
    isNamed,
    cursor,
    changed: onJobChanged,
    removed: onJobRemoved,
    storeLost: onStoreLost,
  };
  jobs.set(topic.jobId, job);
  topic.listeners.add(job);
  return job;
}

function onJobChanged(this: FollowedJob, now: number, at: number): void {
  this.followed.follower.jobChanged(this, now, at);
}

/** The list tells that a job has left it. A named job is refused as one that was removed (P66). */
function onJobRemoved(this: FollowedJob): void {
  drop(this);
  if (this.isNamed)
    this.followed.follower.jobRefused({ job: this.topic.jobId, status: 410, code: "job-expired" });
}

/** Stops following a job. */
export function drop(job: FollowedJob): void {
  const { followed, topic } = job;
  topic.listeners.delete(job);
  if (followed.jobs.get(topic.jobId) === job) followed.jobs.delete(topic.jobId);
  followed.follower.jobDropped(job);
}
