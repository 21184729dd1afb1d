import {
  type ByeReason,
  byeFrame,
  type Cursor,
  helloFrame,
  PROTOCOL_VERSION,
  timeoutFrame,
} from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import { type Frame, frameOf } from "../frame.js";
import type { StreamCloseReason } from "../hooks.js";
import type { Hub, TopicHandle } from "../hub/hub.js";
import type { Reader } from "../hub/readers.js";
import type { TopicListener } from "../hub/topic.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import { isGone, type RequestClient } from "../request-client.js";
import { streamAnswer } from "./answers.js";
import type { Recheck } from "./recheck.js";
import { closeSink, type SinkState, writeToSink } from "./sink-state.js";
import type { Sink, StreamAnswer, Subscription } from "./types.js";

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

/**
 * One stream. With thousands of streams, each further object or closure costs memory and a cache miss per change: so
 * this one object is also the listener of the topic and the reader of the hub, and all streams share the functions
 * below. Its state is a cursor and a few flags, however much the reader missed.
 */
interface StreamState extends StreamStart, SinkState, TopicListener, Reader {
  /**
   * `unclaimed` (no sink has subscribed), `open`, `ending` (the last frame is written), `over` (the handle is given
   * back). It never goes back.
   */
  phase: "unclaimed" | "open" | "ending" | "over";
  cursor: Cursor | undefined;
  openedAt: number;
  endingAt: number;
  /** When the stream ends at the latest, by {@link elapsed}, and the reason that the reader is then given. */
  leaveAt: number;
  leaveReason: ByeReason;
  /** Why the server closes the stream; `undefined` while it does not. */
  closeReason: StreamCloseReason | undefined;
  /** Ends the watch of the client; `undefined` if the adapter reports that it left. */
  forgetClient: (() => void) | undefined;
}

/**
 * A stream answer that owns the slot of its topic handle until a sink subscribes. It gives the slot back if the client
 * leaves, if nobody subscribes within `stallMs`, or if the hub destroys it: an adapter or a middleware may drop the
 * answer. A sink that subscribes after that is ended at once.
 */
export function openStream(start: StreamStart, client: RequestClient): StreamAnswer {
  const { hub, handle, settings, cursor, until, principal, heartbeatMs, recheck } = start;
  const now = elapsed();
  const stream: StreamState = {
    phase: "unclaimed",
    cursor,
    fullSince: undefined,
    until,
    sink: NO_SINK,
    handle,
    settings,
    wroteAt: now,
    changed: onChanged,
    removed: onRemoved,
    storeLost: onStoreLost,
    hub,
    jobId: handle.topic.jobId,
    principal,
    heartbeatMs,
    recheck,
    openedAt: now,
    endingAt: 0,
    leaveAt: now + settings.stallMs,
    leaveReason: "age",
    closeReason: undefined,
    forgetClient: undefined,
    tick: onTick,
    leaveBy: onLeaveBy,
    revoke: onRevoke,
    destroy: onDestroy,
  };
  hub.add(stream);
  if (client.isGone === undefined) watchClient(stream, client.signal);
  else if (client.isGone()) over(stream);
  return streamAnswer((sink) => subscribe(stream, sink, client));
}

/** Not every runtime cancels the body of a client that leaves, and not every middleware passes that on. */
function watchClient(stream: StreamState, signal: AbortSignal): void {
  const onAbort = (): void => over(stream);
  signal.addEventListener("abort", onAbort, { once: true });
  stream.forgetClient = () => signal.removeEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
}

const NO_SINK: Sink = { write: () => false, end: () => {}, destroy: () => {} };

/**
 * Writes the first frames at once. A sink that is full is skipped, and given one delta from its own cursor once it has
 * drained (P35). Nothing is written after the end or after the client left.
 */
function subscribe(stream: StreamState, sink: Sink, client: RequestClient): Subscription {
  if (stream.phase !== "unclaimed") {
    closeSink({ sink }, "end");
    return CLOSED_SUBSCRIPTION;
  }
  begin(stream, sink);
  if (isGone(client)) over(stream);
  return {
    drained() {
      if (stream.fullSince === undefined) return;
      stream.fullSince = undefined;
      advance(stream, stream.settings.clock(), elapsed());
    },
    closed: () => over(stream),
  };
}

const CLOSED_SUBSCRIPTION: Subscription = { drained: () => {}, closed: () => {} };

function begin(stream: StreamState, sink: Sink): void {
  const { hub, settings, handle, jobId, heartbeatMs } = stream;
  const { topic } = handle;
  const now = elapsed();
  const [leaveAt, leaveReason] = endOfLife(now, stream);
  stream.sink = sink;
  stream.phase = "open";
  stream.openedAt = now;
  stream.leaveAt = leaveAt;
  stream.leaveReason = leaveReason;
  topic.listeners.add(stream);
  settings.metrics.streams += 1;
  settings.metrics.streamsOpened += 1;
  settings.hooks.onStreamOpen?.({ jobId, streams: settings.metrics.streams });
  const { cursor } = topic.replica;
  const hello = { protocol: PROTOCOL_VERSION, heartbeatMs, cursor, now: hub.now() };
  write(stream, frameOf(helloFrame(hello, jitteredRetryMs(settings))), now);
  advance(stream, settings.clock(), now);
  // The job may have been removed, or a drain begun, after the request was answered and before this call.
  if (hub.isDraining()) stream.leaveBy(now);
  if (topic.isClosed() && hub.isClosed()) sayBye(stream, "drain");
  else if (topic.isClosed()) stream.removed();
}

function onChanged(this: StreamState, now: number, at: number): void {
  if (this.fullSince === undefined) advance(this, now, at);
  else this.settings.metrics.mergedDeltas += 1;
}

function onRemoved(this: StreamState): void {
  leave(this, "removed", jobRemovedFrame(this));
}

function onStoreLost(this: StreamState): void {
  sayBye(this, "store");
}

function onTick(this: StreamState, now: number): void {
  tick(this, now);
}

function onLeaveBy(this: StreamState, at: number): void {
  // The subscription that is still to come is sent the `bye`.
  if (this.phase === "unclaimed" || at >= this.leaveAt) return;
  this.leaveAt = at;
  this.leaveReason = "drain";
}

function onRevoke(this: StreamState): boolean {
  if (this.phase === "unclaimed") over(this);
  else if (this.phase === "open") sayBye(this, "auth");
  else return false;
  return true;
}

function onDestroy(this: StreamState): void {
  destroy(this, "drain");
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
  stream.settings.metrics.bytes += frame.size;
  if (!writeToSink(stream, frame, at)) over(stream);
}

function end(stream: StreamState, reason: StreamCloseReason): void {
  if (stream.phase !== "open") return;
  stream.closeReason ??= reason;
  stream.phase = "ending";
  stream.endingAt = elapsed();
  stream.handle.topic.listeners.delete(stream);
  if (!closeSink(stream, "end")) over(stream);
}

/** Writes a last frame, if the sink takes it, and closes the stream. */
function leave(stream: StreamState, reason: StreamCloseReason, lastFrame: string): void {
  if (stream.phase !== "open") return;
  if (stream.fullSince !== undefined) {
    destroy(stream, reason);
    return;
  }
  write(stream, frameOf(lastFrame), elapsed());
  end(stream, reason);
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

/** Every end of a stream passes here, whether or not a sink has subscribed. */
function over(stream: StreamState): void {
  const { phase, handle, hub, forgetClient } = stream;
  if (phase === "over") return;
  stream.phase = "over";
  forgetClient?.();
  handle.topic.listeners.delete(stream);
  hub.remove(stream);
  handle.leave();
  if (phase !== "unclaimed") closed(stream);
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
  if (phase === "unclaimed") {
    if (now >= leaveAt) over(stream);
    return;
  }
  if (phase === "open") stream.recheck?.tick(now, () => stream.revoke());
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
