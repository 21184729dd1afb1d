import {
  helloFrame,
  PROTOCOL_VERSION,
  type Refused,
  readyFrame,
  refusedFrame,
} from "@emlinh/progress-protocol";
import { type Frame, frameOf } from "../../frame.js";
import { jitteredRetryMs } from "../../options.js";
import type { RequestClient } from "../../request-client.js";
import {
  isForbidden,
  isWritable,
  openStream,
  type Stream,
  type StreamKind,
  type StreamStart,
  sayBye,
  unclaimedStream,
  write,
} from "../stream.js";
import type { StreamAnswer } from "../types.js";
import {
  drop,
  type Followed,
  type FollowedJob,
  type FollowedList,
  type Follower,
  followTargets,
  unfollow,
} from "./followed.js";
import { type JoinedTargets, jobCount, readsTarget } from "./join-targets.js";
import type { Targets } from "./read-targets.js";

/** The start of a stream of many jobs. */
export interface ManyStreamStart extends StreamStart {
  readonly joined: JoinedTargets;
  readonly targets: Targets;
  /** The targets that the reader does not get. */
  readonly refused: readonly Refused[];
}

/** A stream of many jobs (P65). Its state is a cursor per job and a tag per list, however much the reader missed. */
interface ManyStream extends Stream, Follower {
  readonly joined: JoinedTargets;
  readonly targets: Targets;
  followed: Followed | undefined;
  /** The jobs that the reader lacks something of, in the order of sending. Empty unless the sink is full. */
  readonly behind: Set<FollowedJob>;
  /** The refusals that the reader was not sent. */
  refused: readonly Refused[];
  /** Whether `ready` was sent. */
  isReady: boolean;
  /** When a job or a list changed last, by `elapsed`. */
  changedAt: number;
}

/** Opens a stream of many jobs. It leaves the topics and gives its slot back when it is over. */
export function openManyStream(start: ManyStreamStart, client: RequestClient): StreamAnswer {
  const { joined, targets, refused } = start;
  // Not by a spread: see `openJobStream`.
  const stream: ManyStream = Object.assign(unclaimedStream(start, MANY_STREAM), {
    joined,
    targets,
    followed: undefined,
    behind: new Set<FollowedJob>(),
    refused,
    isReady: false,
    changedAt: 0,
    jobChanged: onJobChanged,
    listChanged: onListChanged,
    jobRefused: onJobRefused,
    jobDropped: onJobDropped,
    storeLost: onStoreLost,
  });
  return openStream(stream, client);
}

const MANY_STREAM: StreamKind<ManyStream> = {
  begin(stream, at) {
    const { hub, settings, heartbeatMs, joined, targets } = stream;
    const followed = followTargets(stream, joined, targets);
    stream.followed = followed;
    stream.changedAt = at;
    const hello = { protocol: PROTOCOL_VERSION, heartbeatMs, now: hub.now() };
    write(stream, frameOf(helloFrame(hello, jitteredRetryMs(settings))), at);
    if (hub.isClosed()) {
      sayBye(stream, "drain");
      return;
    }
    for (const job of followed.jobs.values()) {
      // The job may have been removed after the request was answered and before this call.
      if (job.topic.isClosed()) job.removed();
      else stream.behind.add(job);
    }
    advance(stream, settings.clock(), at);
  },
  advance,
  heartbeat: ({ hub }) => hub.heartbeat(),
  changedAt: ({ changedAt }) => changedAt,
  stopListening({ followed }) {
    if (followed !== undefined) unfollow(followed);
  },
  leave: ({ joined }) => joined.leave(),
  reads: ({ joined }, target) => readsTarget(joined, target),
  targets: ({ followed, joined }) => ({
    jobId: undefined,
    jobs: followed?.jobs.size ?? jobCount(joined),
    subjects: joined.lists.map(({ topic }) => topic.subject),
  }),
};

function onJobChanged(this: ManyStream, job: FollowedJob, now: number, at: number): void {
  this.changedAt = at;
  // While it is full, or writes what came before, the job waits for its turn.
  if (isWritable(this) && this.behind.size === 0) {
    if (!isForbidden(this, now)) sendJob(this, job, at);
    return;
  }
  if (this.isReady) this.settings.metrics.mergedDeltas += 1;
  this.behind.add(job);
}

function onListChanged(this: ManyStream, _list: FollowedList, at: number): void {
  this.changedAt = at;
  advance(this, this.settings.clock(), at);
}

function onJobRefused(this: ManyStream, refused: Refused): void {
  this.refused = [...this.refused, refused];
  advance(this, this.settings.clock(), this.wroteAt);
}

function onJobDropped(this: ManyStream, job: FollowedJob): void {
  this.behind.delete(job);
}

function onStoreLost(this: ManyStream): void {
  sayBye(this, "store");
}

/** Writes what the reader lacks until the sink is full: lists before the jobs that have joined them (P65). */
function advance(stream: ManyStream, now: number, at: number): void {
  if (!isWritable(stream) || isForbidden(stream, now)) return;
  for (const list of stream.followed?.lists ?? []) {
    sendList(stream, list, at);
    if (!isWritable(stream)) return;
  }
  while (stream.refused.length > 0) {
    sendRefused(stream, at);
    if (!isWritable(stream)) return;
  }
  for (const job of stream.behind) {
    stream.behind.delete(job);
    sendJob(stream, job, at);
    if (!isWritable(stream)) return;
  }
  if (stream.isReady) return;
  stream.isReady = true;
  write(stream, frameOf(readyFrame(stream.hub.now())), at);
}

function sendList(stream: ManyStream, followedList: FollowedList, at: number): void {
  const { list, tag } = followedList;
  const next = list.listed().tag;
  if (tag === next) return;
  followedList.tag = next;
  write(stream, list.frame(), at);
}

function sendRefused(stream: ManyStream, at: number): void {
  const [first, ...others] = stream.refused;
  stream.refused = others;
  if (first !== undefined) write(stream, frameOf(refusedFrame(first)), at);
}

/** Writes one frame that brings the reader to the topic's cursor. Never throws. */
function sendJob(stream: ManyStream, job: FollowedJob, at: number): void {
  const { topic } = job;
  let frame: Frame | undefined;
  try {
    frame = topic.jobFrameAfter(job.cursor);
  } catch {
    // The topic has reported the error, which concerns no other job.
    drop(job);
    write(stream, frameOf(refusedFrame(unsendable(topic.jobId))), at);
    return;
  }
  job.cursor = topic.replica.cursor;
  if (frame === undefined) return;
  stream.settings.metrics.deltas += 1;
  write(stream, frame, at);
}

function unsendable(job: string): Refused {
  return { job, status: 500, code: "internal" };
}
