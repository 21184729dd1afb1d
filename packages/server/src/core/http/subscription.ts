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
import type { StreamCloseReason } from "../hooks.js";
import type { Hub, TopicHandle } from "../hub/hub.js";
import type { Reader } from "../hub/readers.js";
import type { TopicListener } from "../hub/topic.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import type { Recheck } from "./recheck.js";
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
  /** Who reads, if the app said so. */
  readonly principal: string | undefined;
  /** Milliseconds of silence after which a heartbeat is sent. */
  readonly heartbeatMs: number;
  /** `undefined` if the app is not asked again. */
  readonly recheck: Recheck | undefined;
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
  /** Why the server closes the stream; `undefined` while it does not. */
  closeReason: StreamCloseReason | undefined;
}

/**
 * Opens one stream. Its state is a cursor and a few flags, however much the reader missed. The first frames are written
 * at once. A sink that is full is skipped, and given one delta from its own cursor once it has drained (P35). Nothing
 * is written after the end or after the client left.
 */
export function openSubscription(sink: Sink, start: StreamStart): Subscription {
  const openedAt = elapsed();
  const [leaveAt, leaveReason] = endOfLife(openedAt, start);
  const { hub, handle, settings, cursor, until, principal, heartbeatMs, recheck } = start;
  const stream: StreamState = {
    hub,
    handle,
    settings,
    sink,
    cursor,
    until,
    principal,
    heartbeatMs,
    recheck,
    openedAt,
    leaveAt,
    leaveReason,
    closeReason: undefined,
    phase: "open",
    endingAt: 0,
    wroteAt: openedAt,
    fullSince: undefined,
    listener: {
      changed(now, at) {
        if (stream.fullSince === undefined) advance(stream, now, at);
        else settings.metrics.mergedDeltas += 1;
      },
      removed: () => leave(stream, "removed", jobRemovedFrame(stream)),
      storeLost: () => sayBye(stream, "store"),
    },
    reader: {
      jobId: handle.topic.jobId,
      principal,
      tick: (now) => tick(stream, now),
      leaveBy(at) {
        if (at >= stream.leaveAt) return;
        stream.leaveAt = at;
        stream.leaveReason = "drain";
      },
      revoke: () => revoke(stream),
      destroy: () => destroy(stream, "drain"),
    },
  };
  begin(stream);
  return {
    drained() {
      if (stream.fullSince === undefined) return;
      stream.fullSince = undefined;
      advance(stream, settings.clock(), elapsed());
    },
    closed: () => over(stream),
  };
}

function begin(stream: StreamState): void {
  const { hub, settings, listener, reader } = stream;
  const { topic } = stream.handle;
  topic.listeners.add(listener);
  hub.add(reader);
  settings.metrics.streams += 1;
  settings.metrics.streamsOpened += 1;
  settings.hooks.onStreamOpen?.({ jobId: topic.jobId, streams: settings.metrics.streams });
  const hello = {
    protocol: PROTOCOL_VERSION,
    heartbeatMs: stream.heartbeatMs,
    cursor: topic.replica.cursor,
    now: hub.now(),
  };
  write(stream, encodeFrame(helloFrame(hello, jitteredRetryMs(settings))), stream.openedAt);
  advance(stream, settings.clock(), stream.openedAt);
  // The job may have been removed after the request was answered and before this call.
  if (topic.isClosed() && hub.isClosed()) sayBye(stream, "drain");
  else if (topic.isClosed()) listener.removed();
}

/**
 * Writes one frame that brings the reader to the topic's cursor. Never throws.
 *
 * @param now - The time of day counts here: a machine that slept must not send what the reader may not see any more.
 * @param at - The same moment by {@link elapsed}.
 */
function advance(stream: StreamState, now: number, at: number): void {
  if (stream.phase !== "open" || stream.fullSince !== undefined) return;
  if (now >= stream.until) {
    sayBye(stream, "auth");
    return;
  }
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

/** A permission without an end, which is the common one, costs no look at the clock. */
function hasExpired({ until, settings }: StreamState): boolean {
  return until !== Number.POSITIVE_INFINITY && settings.clock() >= until;
}

function write(stream: StreamState, frame: Frame, at: number): void {
  stream.settings.metrics.bytes += frame.bytes.length;
  if (!writeToSink(stream, frame, at)) over(stream);
}

function end(stream: StreamState, reason: StreamCloseReason): void {
  if (stream.phase !== "open") return;
  stream.closeReason ??= reason;
  stream.phase = "ending";
  stream.endingAt = elapsed();
  stream.handle.topic.listeners.delete(stream.listener);
  if (!closeSink(stream, "end")) over(stream);
}

/** Writes a last frame, if the sink takes it, and closes the stream. */
function leave(stream: StreamState, reason: StreamCloseReason, lastFrame: string): void {
  if (stream.phase !== "open") return;
  if (stream.fullSince !== undefined) {
    destroy(stream, reason);
    return;
  }
  write(stream, encodeFrame(lastFrame), elapsed());
  end(stream, reason);
}

function revoke(stream: StreamState): boolean {
  if (stream.phase !== "open") return false;
  sayBye(stream, "auth");
  return true;
}

function sayBye(stream: StreamState, reason: ByeReason): void {
  const retryMs = jitteredRetryMs(stream.settings);
  leave(stream, reason, byeFrame({ reason, retryMs }));
}

function destroy(stream: StreamState, reason: StreamCloseReason): void {
  if (stream.phase === "over") return;
  stream.closeReason ??= reason;
  over(stream);
  closeSink(stream, "destroy");
}

function over(stream: StreamState): void {
  if (stream.phase === "over") return;
  stream.phase = "over";
  stream.handle.topic.listeners.delete(stream.listener);
  stream.hub.remove(stream.reader);
  stream.handle.leave();
  closed(stream);
}

function closed({ settings, handle, openedAt, closeReason = "client" }: StreamState): void {
  const { metrics, hooks } = settings;
  metrics.streams -= 1;
  metrics.streamsClosed[closeReason] += 1;
  const durationMs = Math.round(elapsed() - openedAt);
  hooks.onStreamClose?.({ jobId: handle.topic.jobId, reason: closeReason, durationMs });
}

function tick(stream: StreamState, now: number): void {
  const { phase, endingAt, leaveAt, leaveReason, handle, heartbeatMs } = stream;
  const { stallMs, idleTimeoutMs } = stream.settings;
  if (phase === "open") stream.recheck?.tick(now, stream.reader.revoke);
  const stalledSince = phase === "ending" ? endingAt : (stream.fullSince ?? now);
  if (now - stalledSince >= stallMs) destroy(stream, "slow");
  else if (now >= leaveAt) sayBye(stream, leaveReason);
  else if (hasExpired(stream)) sayBye(stream, "auth");
  else if (phase !== "open" || stream.fullSince !== undefined) return;
  else if (idleForMs(stream, now) >= idleTimeoutMs)
    leave(stream, "timeout", timeoutFrame({ scope: "stream", idleMs: idleForMs(stream, now) }));
  else if (now - stream.wroteAt >= heartbeatMs) write(stream, handle.topic.heartbeat(), now);
}

function idleForMs({ openedAt, handle }: StreamState, now: number): number {
  return Math.round(now - Math.max(openedAt, handle.topic.changedAt()));
}

function jobRemovedFrame(stream: StreamState): string {
  return timeoutFrame({ scope: "job", idleMs: idleForMs(stream, elapsed()) });
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
