import { type Cursor, helloFrame, PROTOCOL_VERSION, timeoutFrame } from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import { type Frame, frameOf } from "../frame.js";
import type { TopicHandle } from "../hub/join.js";
import type { TopicListener } from "../hub/topic.js";
import { jitteredRetryMs } from "../options.js";
import type { RequestClient } from "../request-client.js";
import {
  destroy,
  end,
  idleForMs,
  isForbidden,
  isWritable,
  leave,
  openStream,
  type Stream,
  type StreamKind,
  type StreamStart,
  sayBye,
  unclaimedStream,
  write,
} from "./stream.js";
import type { StreamAnswer } from "./types.js";

/** The start of a stream of one job. */
export interface JobStreamStart extends StreamStart {
  readonly handle: TopicHandle;
  /** The cursor that the reader came with. */
  readonly cursor: Cursor | undefined;
}

/** A stream of one job (section 6 of the protocol). It is the listener of the topic, too. */
interface JobStream extends Stream, TopicListener {
  readonly handle: TopicHandle;
  /** The last cursor that was written. */
  cursor: Cursor | undefined;
}

/** Opens the stream of one job. It leaves the topic when it is over. */
export function openJobStream(start: JobStreamStart, client: RequestClient): StreamAnswer {
  const { handle, cursor } = start;
  // Not by a spread: objects that are made by one have no common shape, and each access takes many times as long.
  const stream: JobStream = Object.assign(unclaimedStream(start, JOB_STREAM), {
    handle,
    cursor,
    changed: onChanged,
    removed: onRemoved,
    storeLost: onStoreLost,
  });
  return openStream(stream, client);
}

const JOB_STREAM: StreamKind<JobStream> = {
  begin(stream, at) {
    const { hub, settings, handle, heartbeatMs } = stream;
    const { topic } = handle;
    topic.listeners.add(stream);
    const { cursor } = topic.replica;
    const hello = { protocol: PROTOCOL_VERSION, heartbeatMs, cursor, now: hub.now() };
    write(stream, frameOf(helloFrame(hello, jitteredRetryMs(settings))), at);
    advance(stream, settings.clock(), at);
    // The job may have been removed after the request was answered and before this call.
    if (!topic.isClosed()) return;
    if (hub.isClosed()) sayBye(stream, "drain");
    else stream.removed();
  },
  advance,
  heartbeat: ({ handle }) => handle.topic.heartbeat(),
  changedAt: ({ handle }) => handle.topic.changedAt(),
  stopListening: (stream) => void stream.handle.topic.listeners.delete(stream),
  leave: ({ handle }) => handle.leave(),
  reads: ({ handle }, { jobId, subject }) =>
    subject === undefined && (jobId === undefined || jobId === handle.topic.jobId),
  targets: ({ handle }) => ({ jobId: handle.topic.jobId, jobs: 1, subjects: [] }),
};

function onChanged(this: JobStream, now: number, at: number): void {
  if (this.fullSince === undefined) advance(this, now, at);
  else this.settings.metrics.mergedDeltas += 1;
}

function onRemoved(this: JobStream): void {
  const idleMs = idleForMs(this, elapsed());
  leave(this, "removed", timeoutFrame({ scope: "job", idleMs }));
}

function onStoreLost(this: JobStream): void {
  sayBye(this, "store");
}

/** Writes one frame that brings the reader to the topic's cursor. Never throws. */
function advance(stream: JobStream, now: number, at: number): void {
  if (!isWritable(stream) || isForbidden(stream, now)) return;
  const { topic } = stream.handle;
  let frame: Frame | undefined;
  try {
    frame = topic.frameAfter(stream.cursor);
  } catch {
    // The topic has reported the error. A cut counts as a failure, so that the reader comes back ever more slowly.
    destroy(stream, "failed");
    return;
  }
  stream.cursor = topic.replica.cursor;
  if (frame !== undefined) {
    stream.settings.metrics.deltas += 1;
    write(stream, frame, at);
  }
  if (topic.replica.done) end(stream, "end");
}
