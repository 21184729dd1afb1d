import {
  applyDelta,
  type Bye,
  byeFrame,
  type CursorParts,
  DEFAULT_MAX_LOG_LINES,
  type Delta,
  decodeJobDelta,
  deltaAfter,
  deltaFrame,
  emptyReplica,
  type Fields,
  type Heartbeat,
  type Hello,
  heartbeatFrame,
  helloFrame,
  type JobState,
  type JobsSummary,
  jobDeltaFrame,
  type Listed,
  listedFrame,
  type NewLogLine,
  parseCursor,
  printCursor,
  type Refused,
  type Replica,
  readyFrame,
  refusedFrame,
  stateOf,
  summaryOf,
  type Timeout,
  timeoutFrame,
  type WireJobDelta,
} from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { loadVectors } from "../../../conformance/vectors/load.js";
import { mergeDeltas } from "./support/merge-deltas.js";
import { cursorAt, write } from "./support/stored-job.js";

interface Case {
  readonly id: string;
  readonly what?: string;
}

const cursors = loadVectors<{
  cases: (Case & { text: string; cursor: CursorParts | null })[];
}>("cursors.json");
const frames = loadVectors<{
  encode: (Case & { send: Sending; text: string })[];
}>("frames.json");
const deltas = loadVectors<{
  cases: (Case & {
    earlier: Delta;
    later: Delta;
    merged: Delta;
    maxLogLines?: number;
  })[];
}>("deltas.json");
const reads = loadVectors<{
  histories: (Case & {
    writes: { set?: Fields; log?: NewLogLine[]; lostLines?: number }[];
    reads: {
      after: number | null;
      delta: Omit<Delta, "cursor"> & { version: number };
    }[];
  })[];
}>("reads.json");
const states = loadVectors<{
  cases: (Case & { fields: Fields; now: number; state: Partial<JobState> })[];
}>("states.json");

const summaries = loadVectors<{
  cases: (Case & { jobs: JobState[]; summary: JobsSummary })[];
}>("summaries.json");

describe("summaries.json", () => {
  test.each(summaries.cases)("$id", ({ jobs, summary }) => {
    expect(summaryOf(jobs)).toEqual(summary);
  });
});

describe("cursors.json", () => {
  test.each(cursors.cases)("$id: $text", ({ text, cursor }) => {
    expect(parseCursor(text) ?? null).toEqual(cursor);
    if (cursor !== null) {
      expect(printCursor(cursor)).toBe(text);
      expect(text.length).toBeLessThanOrEqual(64);
    }
  });
});

interface Sending {
  readonly delta?: Delta;
  readonly hello?: Hello;
  readonly retryMs?: number;
  readonly heartbeat?: Heartbeat;
  readonly timeout?: Timeout;
  readonly bye?: Bye;
  readonly listed?: Listed;
  /** As it is on the wire. */
  readonly jobDelta?: WireJobDelta;
  readonly refused?: Refused;
  readonly ready?: { readonly now: number };
}

function encode({ delta, hello, retryMs, heartbeat, timeout, bye, ...many }: Sending): string {
  if (delta) return deltaFrame(delta);
  if (hello) return helloFrame(hello, retryMs ?? 0);
  if (heartbeat) return heartbeatFrame(heartbeat);
  if (timeout) return timeoutFrame(timeout);
  if (bye) return byeFrame(bye);
  return encodeMany(many);
}

function encodeMany({ listed, jobDelta, refused, ready }: Sending): string {
  if (listed) return listedFrame(listed);
  if (refused) return refusedFrame(refused);
  if (ready) return readyFrame(ready.now);
  const decoded = decodeJobDelta(jobDelta);
  if (decoded) return jobDeltaFrame(decoded.job, decoded.delta);
  throw new Error("the case sends nothing");
}

describe("frames.json", () => {
  test.each(frames.encode)("$id", ({ send, text }) => {
    expect(encode(send)).toBe(text);
    // A lone surrogate that JSON did not escape would not survive UTF-8.
    expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe(text);
  });
});

/**
 * A replica that the first of two deltas fits: its epoch, version 1, and the lines before the first one of both deltas.
 */
function replicaBefore({ cursor, log }: Delta, later: Delta): Replica {
  const epoch = parseCursor(cursor)?.epoch ?? "";
  const firstN = Math.min(...[...log, ...later.log].map(({ n }) => n), 5);
  const lines = Array.from({ length: firstN - 1 }, (_, index) => ({
    n: index + 1,
    version: 1,
    at: 0,
    level: "info" as const,
    text: "before",
  }));
  const set = { kind: "video", message: "before", percent: 0, "metadata.before": true };
  const replica = emptyReplica();
  applyDelta(replica, { cursor: `${epoch}.1`, reset: true, set, log: lines, done: false });
  return replica;
}

describe("deltas.json", () => {
  test.each(deltas.cases)("$id: $what", (one) => {
    const { earlier, later, merged, maxLogLines = DEFAULT_MAX_LOG_LINES } = one;
    expect(mergeDeltas(earlier, later, maxLogLines)).toEqual(merged);
    const [oneByOne, atOnce] = [replicaBefore(earlier, later), replicaBefore(earlier, later)];
    const results = [earlier, later].map((delta) => applyDelta(oneByOne, delta, maxLogLines));
    expect(results).toEqual([earlier, later].map(({ reset }) => (reset ? "reset" : "advanced")));
    expect(applyDelta(atOnce, merged, maxLogLines)).toBe(merged.reset ? "reset" : "advanced");
    // The versions of single fields may differ: a field has that of the delta that brought it.
    expect(deltaAfter(oneByOne)).toEqual(deltaAfter(atOnce));
    expect(deltaAfter(atOnce)).toMatchObject({
      cursor: merged.cursor,
      set: merged.set,
      done: merged.done,
    });
  });
});

describe("reads.json", () => {
  test.each(reads.histories)("$id", (history) => {
    const job = emptyReplica("e");
    for (const { set = {}, log = [], lostLines } of history.writes)
      write(job, { set, log, lostLines }, DEFAULT_MAX_LOG_LINES);
    for (const { after, delta } of history.reads) {
      const { version, ...rest } = delta;
      const cursor = after === null ? undefined : cursorAt(after);
      expect(deltaAfter(job, cursor)).toEqual({ cursor: cursorAt(version), ...rest });
    }
    expect(deltaAfter(job, "another.3").reset).toBe(true);
    expect(deltaAfter(job, "no cursor").reset).toBe(true);
    expect(job.cursor).toBe(cursorAt(history.writes.length));
  });
});

describe("states.json", () => {
  test.each(states.cases)("$id: $what", ({ fields, now, state }) => {
    // Each value is compared as a whole: `toMatchObject` would let an extra step or key pass.
    const actual: Record<string, unknown> = { ...stateOf("job", fields, now) };
    for (const [name, value] of Object.entries(state)) expect(actual[name], name).toEqual(value);
  });
});
