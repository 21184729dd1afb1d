import {
  type ByeReason,
  byeFrame,
  type Cursor,
  helloFrame,
  PROTOCOL_VERSION,
  timeoutFrame,
} from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import { encodeFrame, type Frame } from "../frame.js";
import type { Hub, TopicHandle } from "../hub/hub.js";
import type { Reader } from "../hub/readers.js";
import type { TopicListener } from "../hub/topic.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import { closeSink, type SinkState, writeToSink } from "./sink-state.js";
import type { Sink, Subscription } from "./types.js";

/** The start of a stream. */
export interface StreamStart {
  readonly hub: Hub;
  readonly handle: TopicHandle;
  readonly settings: Settings;
  /** The cursor that the reader came with. */
  readonly cursor: Cursor | undefined;
  /** Until when the reader may watch, in milliseconds since the epoch, or `Infinity`. */
  readonly until: number;
  /** Milliseconds of silence after which a heartbeat is sent. */
  readonly heartbeatMs: number;
}

/** One flat object per stream: with thousands of streams, each further object costs a cache miss per change. */
interface StreamState extends StreamStart, SinkState {
  readonly listener: TopicListener;
  readonly reader: Reader;
  readonly openedAt: number;
  cursor: Cursor | undefined;
  /** `open`, then `ending` (the last frame is written), then `over` (the handle is given back). It never goes back. */
  phase: "open" | "ending" | "over";
  endingAt: number;
  /** When the stream ends at the latest, by {@link elapsed}, and the reason that the reader is then given. */
  leaveAt: number;
  leaveReason: ByeReason;
}

/**
 * Opens one stream. Its state is a cursor and a few flags, however much the reader missed. The first frames are written
 * at once. A sink that is full is skipped, and given one delta from its own cursor once it has drained (P35). Nothing
 * is written after the end or after the client left.
 */
export function openSubscription(sink: Sink, start: StreamStart): Subscription {
  const openedAt = elapsed();
  const [leaveAt, leaveReason] = endOfLife(openedAt, start);
  const { hub, handle, settings, cursor, until, heartbeatMs } = start;
  const stream: StreamState = {
    hub,
    handle,
    settings,
    sink,
    cursor,
    until,
    heartbeatMs,
    openedAt,
    leaveAt,
    leaveReason,
    phase: "open",
    endingAt: 0,
    wroteAt: openedAt,
    fullSince: undefined,
    listener: {
      changed: (now) => advance(stream, now),
      removed: () => leave(stream, jobRemovedFrame(stream)),
      storeLost: () => leave(stream, bye(stream, "store")),
    },
    reader: {
      tick: (now) => tick(stream, now),
      leaveBy(at) {
        if (at >= stream.leaveAt) return;
        stream.leaveAt = at;
        stream.leaveReason = "drain";
      },
      destroy: () => destroy(stream),
    },
  };
  begin(stream);
  return {
    drained() {
      if (stream.fullSince === undefined) return;
      stream.fullSince = undefined;
      advance(stream, settings.clock());
    },
    closed: () => over(stream),
  };
}

function begin(stream: StreamState): void {
  const { hub, settings, listener, reader } = stream;
  const { topic } = stream.handle;
  topic.listeners.add(listener);
  hub.add(reader);
  const hello = {
    protocol: PROTOCOL_VERSION,
    heartbeatMs: stream.heartbeatMs,
    cursor: topic.replica.cursor,
    now: hub.now(),
  };
  write(stream, encodeFrame(helloFrame(hello, jitteredRetryMs(settings))));
  advance(stream, settings.clock());
  // The job may have been removed after the request was answered and before this call.
  if (topic.isClosed() && hub.isClosed()) leave(stream, bye(stream, "drain"));
  else if (topic.isClosed()) listener.removed();
}

/**
 * Writes one frame that brings the reader to the topic's cursor. Never throws.
 *
 * @param now - The time of day counts here: a machine that slept must not send what the reader may not see any more.
 */
function advance(stream: StreamState, now: number): void {
  if (stream.phase !== "open" || stream.fullSince !== undefined) return;
  if (now >= stream.until) {
    leave(stream, bye(stream, "auth"));
    return;
  }
  const { topic } = stream.handle;
  let frame: Frame | undefined;
  try {
    frame = topic.frameAfter(stream.cursor);
  } catch {
    // The topic has reported the error. A cut counts as a failure, so that the reader comes back ever more slowly.
    destroy(stream);
    return;
  }
  stream.cursor = topic.replica.cursor;
  if (frame !== undefined) write(stream, frame);
  if (topic.replica.done) end(stream);
}

/** A permission without an end, which is the common one, costs no look at the clock. */
function hasExpired({ until, settings }: StreamState): boolean {
  return until !== Number.POSITIVE_INFINITY && settings.clock() >= until;
}

function write(stream: StreamState, frame: Frame): void {
  if (!writeToSink(stream, frame)) over(stream);
}

function end(stream: StreamState): void {
  if (stream.phase !== "open") return;
  stream.phase = "ending";
  stream.endingAt = elapsed();
  stream.handle.topic.listeners.delete(stream.listener);
  if (!closeSink(stream, "end")) over(stream);
}

/** Writes a last frame, if the sink takes it, and closes the stream. */
function leave(stream: StreamState, lastFrame: string): void {
  if (stream.phase !== "open") return;
  if (stream.fullSince !== undefined) {
    destroy(stream);
    return;
  }
  write(stream, encodeFrame(lastFrame));
  end(stream);
}

function destroy(stream: StreamState): void {
  if (stream.phase === "over") return;
  over(stream);
  closeSink(stream, "destroy");
}

function over(stream: StreamState): void {
  if (stream.phase === "over") return;
  stream.phase = "over";
  stream.handle.topic.listeners.delete(stream.listener);
  stream.hub.remove(stream.reader);
  stream.handle.leave();
}

function tick(stream: StreamState, now: number): void {
  const { phase, endingAt, leaveAt, leaveReason, handle, heartbeatMs } = stream;
  const { stallMs, idleTimeoutMs } = stream.settings;
  const stalledSince = phase === "ending" ? endingAt : (stream.fullSince ?? now);
  if (now - stalledSince >= stallMs) destroy(stream);
  else if (now >= leaveAt) leave(stream, bye(stream, leaveReason));
  else if (hasExpired(stream)) leave(stream, bye(stream, "auth"));
  else if (phase !== "open" || stream.fullSince !== undefined) return;
  else if (idleForMs(stream, now) >= idleTimeoutMs)
    leave(stream, timeoutFrame({ scope: "stream", idleMs: idleForMs(stream, now) }));
  else if (now - stream.wroteAt >= heartbeatMs) write(stream, handle.topic.heartbeat());
}

function idleForMs({ openedAt, handle }: StreamState, now: number): number {
  return Math.round(now - Math.max(openedAt, handle.topic.changedAt()));
}

function jobRemovedFrame(stream: StreamState): string {
  return timeoutFrame({ scope: "job", idleMs: idleForMs(stream, elapsed()) });
}

function bye({ settings }: StreamState, reason: ByeReason): string {
  return byeFrame({ reason, retryMs: jitteredRetryMs(settings) });
}

/** A stream ends at its maximum age, up to a fifth earlier at random, or before its permission ends. */
function endOfLife(
  now: number,
  { settings, until }: StreamStart,
): readonly [at: number, reason: ByeReason] {
  const { maxAgeMs, random, clock, tickMs } = settings;
  const byAge = now + maxAgeMs * (1 - random() / 5);
  // One tick early, because streams are checked once per tick, and this one must not outlast its permission.
  const byPermission = now + (until - clock()) - tickMs;
  return byPermission < byAge ? [byPermission, "auth"] : [byAge, "age"];
}
