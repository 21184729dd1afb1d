import {
  type ByeReason,
  byeFrame,
  type Cursor,
  helloFrame,
  PROTOCOL_VERSION,
  timeoutFrame,
} from "@emlinh/progress-protocol";
import { elapsed } from "../../shared/time.js";
import type { Hub, Reader, Seat } from "../hub/hub.js";
import type { Member } from "../hub/topic.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import type { Sink, Subscription } from "./types.js";

/** What a stream needs to begin. */
export interface StreamStart {
  readonly hub: Hub;
  readonly seat: Seat;
  readonly settings: Settings;
  /** Where the reader stands. */
  readonly cursor: Cursor | undefined;
  /** Until when it may watch, in milliseconds since the epoch. */
  readonly until: number;
}

const encoder = new TextEncoder();

/**
 * One reader: a cursor and a few flags, whatever it missed. Its sink is given the first frames at once; one that is full is passed over, and given
 * one delta from its own cursor when it has drained (P35). Nothing is written after the end, nor after the client left.
 */
export function openSubscription(sink: Sink, start: StreamStart): Subscription {
  const { hub, seat, settings } = start;
  const { topic } = seat;
  const { clock, stallMs, heartbeatMs, idleTimeoutMs } = settings;
  const openedAt = elapsed();
  let cursor = start.cursor;
  /** The sink takes nothing more until it has drained. */
  let full = false;
  let fullAt = 0;
  /** `open`, then `ending` (its last frame is written), then `over` (the place is given back). Never backwards. */
  let phase: "open" | "ending" | "over" = "open";
  let endingAt = 0;
  let wroteAt = openedAt;
  let [leaveAt, leaveReason] = endOfLife(openedAt, start);

  function write(bytes: Uint8Array): void {
    wroteAt = elapsed();
    let taken = false;
    try {
      taken = sink.write(bytes);
    } catch {
      // An adapter whose response broke in the middle of a write: its client is gone.
      over();
      return;
    }
    if (taken || full) return;
    full = true;
    fullAt = wroteAt;
  }

  /** Brings the reader to where the job stands, in one frame. */
  function advance(): void {
    if (phase !== "open" || full) return;
    const bytes = topic.frameAfter(cursor);
    const ends = topic.hasEnded();
    cursor = topic.cursor();
    if (bytes !== undefined) write(bytes);
    if (ends) end();
  }

  function end(): void {
    if (phase !== "open") return;
    phase = "ending";
    endingAt = elapsed();
    topic.members.delete(member);
    callSink("end");
  }

  /** Says a last word, if it can be heard, and closes. */
  function leave(frame: string): void {
    if (phase !== "open") return;
    if (full) {
      destroy();
      return;
    }
    write(encoder.encode(frame));
    end();
  }

  function destroy(): void {
    if (phase === "over") return;
    over();
    callSink("destroy");
  }

  function over(): void {
    if (phase === "over") return;
    phase = "over";
    topic.members.delete(member);
    hub.remove(reader);
    seat.leave();
  }

  function callSink(verb: "end" | "destroy"): void {
    try {
      sink[verb]();
    } catch {
      // It has nothing left to be told: a response that can't even be ended is gone.
      over();
    }
  }

  function bye(reason: ByeReason): string {
    return byeFrame({ reason, retryMs: jitteredRetryMs(settings) });
  }

  const member: Member = {
    eager: true,
    changed: advance,
    gone: () => leave(timeoutFrame({ scope: "job", idleMs: idleSince(elapsed()) })),
    storeLost: () => leave(bye("store")),
  };

  function idleSince(now: number): number {
    return Math.round(now - Math.max(openedAt, topic.changedAt()));
  }

  const reader: Reader = {
    tick(now) {
      const silentSince = phase === "ending" ? endingAt : full ? fullAt : now;
      if (now - silentSince >= stallMs) destroy();
      else if (now >= leaveAt) leave(bye(leaveReason));
      else if (full) return;
      else if (idleSince(now) >= idleTimeoutMs)
        leave(timeoutFrame({ scope: "stream", idleMs: idleSince(now) }));
      else if (now - wroteAt >= heartbeatMs && phase === "open") write(topic.heartbeat());
    },
    leaveBy(at) {
      if (at >= leaveAt) return;
      leaveAt = at;
      leaveReason = "drain";
    },
  };

  function begin(): void {
    topic.members.add(member);
    hub.add(reader);
    const hello = {
      protocol: PROTOCOL_VERSION,
      heartbeatMs,
      cursor: topic.cursor(),
      now: clock(),
    };
    write(encoder.encode(helloFrame(hello, jitteredRetryMs(settings))));
    advance();
    // The job was removed after the request was answered, and before this.
    if (topic.isClosed()) member.gone();
  }

  begin();
  return {
    drained() {
      if (!full || phase !== "open") return;
      full = false;
      advance();
    },
    closed: over,
  };
}

/** When a stream ends at the latest, by {@link elapsed}, and why: of age, up to a fifth early at random, or before its permission ends. */
function endOfLife(now: number, { settings, until }: StreamStart): [at: number, reason: ByeReason] {
  const { maxAgeMs, random, clock, tickMs } = settings;
  const byAge = now + maxAgeMs * (1 - random() / 5);
  // A tick early, since it is looked at once in a tick, and never may it last longer than it was allowed.
  const byPermission = now + (until - clock()) - tickMs;
  return byPermission < byAge ? [byPermission, "auth"] : [byAge, "age"];
}
