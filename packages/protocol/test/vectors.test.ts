import {
  type Bye,
  byeFrame,
  type CursorParts,
  cursorOf,
  type Delta,
  deltaFrame,
  emptyLedger,
  type Fields,
  type Heartbeat,
  type Hello,
  heartbeatFrame,
  helloFrame,
  type JobState,
  merge,
  type NewLogLine,
  parseCursor,
  printCursor,
  readLedger,
  stateOf,
  type Timeout,
  timeoutFrame,
  writeLedger,
} from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { loadVectors } from "../../../conformance/vectors/load.js";

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
    writes: { set?: Fields; log?: NewLogLine[] }[];
    reads: {
      after: number | null;
      delta: Omit<Delta, "cursor"> & { version: number };
    }[];
  })[];
}>("reads.json");
const states = loadVectors<{
  cases: (Case & { fields: Fields; now: number; state: Partial<JobState> })[];
}>("states.json");

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
}

function encode({ delta, hello, retryMs, heartbeat, timeout, bye }: Sending): string {
  if (delta) return deltaFrame(delta);
  if (hello) return helloFrame(hello, retryMs ?? 0);
  if (heartbeat) return heartbeatFrame(heartbeat);
  if (timeout) return timeoutFrame(timeout);
  if (bye) return byeFrame(bye);
  throw new Error("the case sends nothing");
}

describe("frames.json", () => {
  test.each(frames.encode)("$id", ({ send, text }) => {
    expect(encode(send)).toBe(text);
    // What a receiver decodes from UTF-8 is what was meant: a lone surrogate outside JSON's escapes would not survive.
    expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe(text);
  });
});

describe("deltas.json", () => {
  test.each(deltas.cases)("$id: $what", ({ earlier, later, merged, maxLogLines }) => {
    expect(merge(earlier, later, maxLogLines)).toEqual(merged);
  });
});

describe("reads.json", () => {
  test.each(reads.histories)("$id", (history) => {
    const ledger = emptyLedger("e");
    for (const { set, log } of history.writes) {
      writeLedger(ledger, { set: set ?? {}, log: log ?? [] });
    }
    for (const { after, delta } of history.reads) {
      const { version, ...rest } = delta;
      const cursor = after === null ? undefined : printCursor({ epoch: "e", version: after });
      expect(readLedger(ledger, cursor)).toEqual({
        cursor: `e.${version}`,
        ...rest,
      });
    }
    expect(readLedger(ledger, "another.3").reset).toBe(true);
    expect(readLedger(ledger, "no cursor").reset).toBe(true);
    expect(cursorOf(ledger)).toBe(`e.${history.writes.length}`);
  });
});

describe("states.json", () => {
  test.each(states.cases)("$id: $what", ({ fields, now, state }) => {
    // Key by key and whole: `toMatchObject` would let an extra step or key pass.
    const actual: Record<string, unknown> = { ...stateOf("job", fields, now) };
    for (const [name, value] of Object.entries(state)) expect(actual[name], name).toEqual(value);
  });
});
