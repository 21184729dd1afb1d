import { type ByeReason, byeFrame, timeoutFrame } from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import type { DisconnectTarget } from "../disconnect-target.js";
import { type Frame, frameOf } from "../frame.js";
import type { StreamCloseReason, StreamTargets } from "../hooks.js";
import type { Hub } from "../hub/hub.js";
import type { Reader } from "../hub/readers.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import { isGone, type RequestClient } from "../request-client.js";
import { streamAnswer } from "./answers.js";
import type { Recheck } from "./recheck.js";
import { closeSink, type SinkState, writeToSink } from "./sink-state.js";
import type { Sink, StreamAnswer, Subscription } from "./types.js";

/** The start of a stream, whatever it carries. */
export interface StreamStart {
  readonly hub: Hub;
  readonly settings: Settings;
  /** Until when the reader may watch, in milliseconds since the epoch, or `Infinity`. */
  readonly until: number;
  /** Who reads, as far as the app said so. */
  readonly principals: readonly string[];
  /** Milliseconds of silence after which a heartbeat is sent. */
  readonly heartbeatMs: number;
  /** `undefined` if the app is not asked again. */
  readonly recheck: Recheck | undefined;
}

/** The functions of one kind of streams, which all of them share. */
export interface StreamKind<State extends Stream> {
  /** Writes the first frames, and begins to listen. */
  begin(stream: State, at: number): void;
  /** Writes what the reader lacks. Called when the sink takes bytes again, and may be called at any time. */
  advance(stream: State, now: number, at: number): void;
  heartbeat(stream: State): Frame;
  /** When something changed last, by {@link elapsed}. */
  changedAt(stream: State): number;
  /** Stops listening. Idempotent. */
  stopListening(stream: State): void;
  /** Gives back what the stream holds. Called once. */
  leave(stream: State): void;
  reads(stream: State, target: DisconnectTarget): boolean;
  /** The jobs and lists that the hooks are told. */
  targets(stream: State): StreamTargets;
}

/**
 * One stream. With thousands of streams, each further object or closure costs memory and a cache miss per change: so
 * this one object is also the reader of the hub, and all streams share the functions below. Its state is the reader's
 * cursors and a few flags, however much the reader missed.
 */
export interface Stream extends StreamStart, SinkState, Reader {
  readonly kind: StreamKind<Stream>;
  /**
   * `unclaimed` (no sink has subscribed), `open`, `ending` (the last frame is written), `over` (everything is given
   * back). It never goes back.
   */
  phase: "unclaimed" | "open" | "ending" | "over";
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

/** The state that all streams begin with. */
export function unclaimedStream<State extends Stream>(
  { hub, settings, until, principals, heartbeatMs, recheck }: StreamStart,
  kind: StreamKind<State>,
): Stream {
  const now = elapsed();
  return {
    // The functions of a kind are called with streams of that kind only.
    kind: kind as StreamKind<Stream>,
    phase: "unclaimed",
    fullSince: undefined,
    until,
    sink: NO_SINK,
    settings,
    wroteAt: now,
    hub,
    principals,
    heartbeatMs,
    recheck,
    openedAt: now,
    endingAt: 0,
    leaveAt: now + settings.stallMs,
    leaveReason: "age",
    closeReason: undefined,
    forgetClient: undefined,
    reads,
    tick: onTick,
    leaveBy: onLeaveBy,
    revoke: onRevoke,
    destroy: onDestroy,
  };
}

/**
 * A stream answer that owns its slot until a sink subscribes. It gives the slot back if the client leaves, if nobody
 * subscribes within `stallMs`, or if the hub destroys it: an adapter or a middleware may drop the answer. A sink that
 * subscribes after that is ended at once.
 */
export function openStream(stream: Stream, client: RequestClient): StreamAnswer {
  stream.hub.add(stream);
  if (client.isGone === undefined) watchClient(stream, client.signal);
  else if (client.isGone()) over(stream);
  return streamAnswer((sink) => subscribe(stream, sink, client));
}

/** Not every runtime cancels the body of a client that leaves, and not every middleware passes that on. */
function watchClient(stream: Stream, signal: AbortSignal): void {
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
function subscribe(stream: Stream, sink: Sink, client: RequestClient): Subscription {
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
      stream.kind.advance(stream, stream.settings.clock(), elapsed());
    },
    closed: () => over(stream),
  };
}

const CLOSED_SUBSCRIPTION: Subscription = { drained: () => {}, closed: () => {} };

function begin(stream: Stream, sink: Sink): void {
  const { hub, settings, kind } = stream;
  const now = elapsed();
  const [leaveAt, leaveReason] = endOfLife(now, stream);
  stream.sink = sink;
  stream.phase = "open";
  stream.openedAt = now;
  stream.leaveAt = leaveAt;
  stream.leaveReason = leaveReason;
  settings.metrics.streams += 1;
  settings.metrics.streamsOpened += 1;
  const { streams } = settings.metrics;
  settings.hooks.onStreamOpen?.({ ...kind.targets(stream), streams });
  kind.begin(stream, now);
  // A drain may have begun after the request was answered and before this call.
  if (hub.isDraining()) stream.leaveBy(now);
}

function reads(this: Stream, target: DisconnectTarget): boolean {
  return this.kind.reads(this, target);
}

function onTick(this: Stream, now: number): void {
  tick(this, now);
}

function onLeaveBy(this: Stream, at: number): void {
  // The subscription that is still to come is sent the `bye`.
  if (this.phase === "unclaimed" || at >= this.leaveAt) return;
  this.leaveAt = at;
  this.leaveReason = "drain";
}

function onRevoke(this: Stream): boolean {
  if (this.phase === "unclaimed") over(this);
  else if (this.phase === "open") sayBye(this, "auth");
  else return false;
  return true;
}

function onDestroy(this: Stream): void {
  destroy(this, "drain");
}

/** A permission without an end, which is the common one, costs no look at the clock. */
function hasExpired({ until, settings }: Stream): boolean {
  return until !== Number.POSITIVE_INFINITY && settings.clock() >= until;
}

/** Whether a frame can be written now. */
export function isWritable({ phase, fullSince }: Stream): boolean {
  return phase === "open" && fullSince === undefined;
}

/**
 * Whether the permission has ended. Then the stream ends too, because no delta may be sent any more.
 *
 * @param now - The time of day counts here: a machine that slept must not send what the reader may not see any more.
 */
export function isForbidden(stream: Stream, now: number): boolean {
  if (now < stream.until) return false;
  sayBye(stream, "auth");
  return true;
}

/** Writes one frame. The sink must not be full. */
export function write(stream: Stream, frame: Frame, at: number): void {
  stream.settings.metrics.bytes += frame.size;
  if (!writeToSink(stream, frame, at)) over(stream);
}

/** Ends the stream after the frames that were written. */
export function end(stream: Stream, reason: StreamCloseReason): void {
  if (stream.phase !== "open") return;
  stream.closeReason ??= reason;
  stream.phase = "ending";
  stream.endingAt = elapsed();
  stream.kind.stopListening(stream);
  if (!closeSink(stream, "end")) over(stream);
}

/** Writes a last frame, if the sink takes it, and closes the stream. */
export function leave(stream: Stream, reason: StreamCloseReason, lastFrame: string): void {
  if (stream.phase !== "open") return;
  if (stream.fullSince !== undefined) {
    destroy(stream, reason);
    return;
  }
  write(stream, frameOf(lastFrame), elapsed());
  end(stream, reason);
}

/** Asks the reader to come back, and closes the stream. */
export function sayBye(stream: Stream, reason: ByeReason): void {
  const retryMs = jitteredRetryMs(stream.settings);
  leave(stream, reason, byeFrame({ reason, retryMs }));
}

/** Cuts the stream, without a last frame. */
export function destroy(stream: Stream, reason: StreamCloseReason): void {
  if (stream.phase === "over") return;
  stream.closeReason ??= reason;
  over(stream);
  closeSink(stream, "destroy");
}

/** Every end of a stream passes here, whether or not a sink has subscribed. */
function over(stream: Stream): void {
  const { phase, kind, hub, forgetClient } = stream;
  if (phase === "over") return;
  stream.phase = "over";
  forgetClient?.();
  if (phase !== "unclaimed") closed(stream);
  kind.stopListening(stream);
  hub.remove(stream);
  kind.leave(stream);
}

function closed(stream: Stream): void {
  const { settings, openedAt, kind, closeReason = "client" } = stream;
  const { metrics, hooks } = settings;
  metrics.streams -= 1;
  metrics.streamsClosed[closeReason] += 1;
  const durationMs = Math.round(elapsed() - openedAt);
  hooks.onStreamClose?.({ ...kind.targets(stream), reason: closeReason, durationMs });
}

function tick(stream: Stream, now: number): void {
  const { phase, endingAt, leaveAt, leaveReason, kind, heartbeatMs } = stream;
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
  else if (now - stream.wroteAt >= heartbeatMs) write(stream, kind.heartbeat(stream), now);
}

/** Milliseconds without a change. */
export function idleForMs(stream: Stream, now: number): number {
  return Math.round(now - Math.max(stream.openedAt, stream.kind.changedAt(stream)));
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
