import {
  byeFrame,
  heartbeatFrame,
  helloFrame,
  jobDeltaFrame,
  listedFrame,
  listedOf,
  type ManyReply,
  readyFrame,
  refusedFrame,
  toJobWire,
} from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import type { FeedReceiver, FeedTargets } from "../src/core/feed/feed.js";
import { assignTargets, emptyGroup, type TargetGroup } from "../src/core/feed/target-groups.js";
import { targetsQuery } from "../src/core/feed/targets-query.js";
import { resolveWatchOptions } from "../src/core/options.js";
import { type ManyReceiver, manyReader } from "../src/transports/many-reader.js";
import { streamSession } from "../src/transports/stream-session.js";
import type { TransportEvent } from "../src/transports/transport.js";
import { fakeTime } from "./support/fake-time.js";

type Known = Pick<FeedReceiver, "cursorOf" | "listOf">;

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe("the query of a request for many jobs (P63, P68)", () => {
  const query = (targets: Partial<FeedTargets>, known: Partial<Known> = {}, holdMs = 0) =>
    targetsQuery(
      { jobs: [], subjects: [], limit: 50, ...targets },
      { cursorOf: () => undefined, listOf: () => undefined, ...known },
      holdMs,
    );

  test("given named jobs, has each with its cursor", () => {
    const cursorOf = (jobId: string) => (jobId === "a" ? "e.1" : undefined);
    expect(query({ jobs: ["a", "b"] }, { cursorOf }).text).toBe("job=a@e.1&job=b");
  });

  test("given a list, has its tag, the cursors of its jobs, and each job once", () => {
    const list = listedOf({ subject: "user:1", jobs: ["a", "b", "c"], next: null });
    const cursorOf = (jobId: string) => (jobId === "c" ? undefined : `e.${jobId}`);
    const targets = { jobs: ["b"], subjects: ["user:1"], limit: 20 };
    const { text, hasAllCursors } = query(targets, { cursorOf, listOf: () => list }, 19_500);
    expect(text).toBe(`job=b@e.b&subject=user%3A1&limit=20&seen=${list.tag}&wait=20&after=a@e.a`);
    expect(hasAllCursors).toBe(true);
  });

  test.each([22, 60, 128])(
    "given 100 listed jobs with ids of %d characters, is below 8,000",
    (length) => {
      const jobs = numbered("j", 100).map((id) => id.padEnd(length, "x"));
      const list = listedOf({ subject: "user:1", jobs, next: "n" });
      const known = { cursorOf: () => "e".repeat(24), listOf: () => list };
      const { text, hasAllCursors } = query({ subjects: ["user:1"] }, known);
      expect(text.length).toBeLessThan(8000);
      expect(hasAllCursors).toBe(length === 22);
      // The oldest jobs go first.
      expect(text).toContain(`after=${jobs[0]}@`);
      expect(text.includes(`after=${jobs[99]}@`)).toBe(hasAllCursors);
    },
  );
});

describe("targets for several connections", () => {
  const assign = (groups: TargetGroup[], targets: Partial<FeedTargets>): string[] => {
    assignTargets(groups, { jobs: [], subjects: [], limit: 50, ...targets });
    return groups.map(({ jobs, subjects }) => `${jobs.size}+${subjects.size}`);
  };

  test("given more than 100 jobs or 10 subjects, needs further groups; others stay where they are", () => {
    const groups = [emptyGroup()];
    const jobs = numbered("j", 250);
    expect(assign(groups, { jobs, subjects: numbered("s", 11) })).toEqual([
      "100+10",
      "100+1",
      "50+0",
    ]);
    const third = [...(groups[2] as TargetGroup).jobs];
    expect(assign(groups, { jobs: jobs.slice(10) })).toEqual(["90+0", "100+0", "50+0"]);
    expect([...(groups[2] as TargetGroup).jobs]).toEqual(third);
    expect(assign(groups, { jobs: [...jobs.slice(10), "new"] })).toEqual(["91+0", "100+0", "50+0"]);
  });

  test("given long ids, has as many in a group as a query has room for", () => {
    const groups = [emptyGroup()];
    assign(groups, { jobs: numbered("j", 100).map((id) => id.padEnd(128, "x")) });
    for (const { jobs } of groups) {
      const targets = { jobs: [...jobs], subjects: [], limit: 50 };
      const known = { cursorOf: () => "e".repeat(24), listOf: () => undefined };
      expect(targetsQuery(targets, known, 20_000).text.length).toBeLessThan(8000);
    }
  });
});

const delta = (cursor: string, reset: boolean, percent: number) => ({
  cursor,
  reset,
  set: { percent, createdAt: 0, updatedAt: 0, status: "running", kind: "x" },
  log: [],
  done: false,
});
const LIST = listedOf({ subject: "user:1", jobs: ["a"], next: null });
const REFUSED = { job: "b", status: 404, code: "job-not-found" } as const;

/** Notes what a reader takes. */
function notes(): { readonly taken: string[]; readonly receiver: ManyReceiver } {
  const taken: string[] = [];
  return {
    taken,
    receiver: {
      delta: ({ job, delta }) => Boolean(taken.push(`${job} ${delta.cursor}`)),
      listed: ({ jobs }) => Boolean(taken.push(`listed ${jobs}`)),
      refused: ({ job, code }) => Boolean(taken.push(`${job} ${code}`)),
      ready: () => void taken.push("ready"),
    },
  };
}

describe("a stream of many jobs (P65)", () => {
  const TEXT = [
    helloFrame({ protocol: 1, heartbeatMs: 15_000, now: 1 }, 1),
    listedFrame(LIST),
    jobDeltaFrame("a", delta("e.1", true, 10)),
    refusedFrame(REFUSED),
    "event: later\ndata: {}\n\n",
    readyFrame(2),
    jobDeltaFrame("a", delta("e.2", false, 20)),
    heartbeatFrame({ now: 3 }),
    byeFrame({ reason: "age", retryMs: 5 }),
  ];
  const TAKEN = ["listed a", "a e.1", "b job-not-found", "ready", "a e.2"];

  function read(chunks: readonly Uint8Array[]): { taken: string[]; events: TransportEvent[] } {
    const events: TransportEvent[] = [];
    const { taken, receiver } = notes();
    const options = resolveWatchOptions({ baseUrl: "/api", ...fakeTime() });
    const session = streamSession({
      ...options,
      url: "/api",
      holdMs: 0,
      refresh: false,
      signal: new AbortController().signal,
      expectBytesBy: 0,
      reader: manyReader(receiver),
      onServerTime() {},
      onRetry() {},
      report: (event) => void events.push(event),
    });
    for (const chunk of chunks) session(chunk);
    return { taken, events };
  }

  test("given a cut at any byte, takes the same; only what follows ready shows that it delivers", () => {
    const bytes = new TextEncoder().encode(TEXT.join(""));
    for (let at = 0; at <= bytes.length; at += 1) {
      const { taken, events } = read([bytes.slice(0, at), bytes.slice(at)]);
      expect(taken).toEqual(TAKEN);
      expect(events).toContainEqual({ kind: "bye", floorMs: 5 });
      const ready = events.findIndex(({ kind }) => kind === "ready");
      const delivering = events.findIndex((event) => event.kind === "alive" && event.delivers);
      expect(delivering).toBeGreaterThan(ready);
    }
  });

  test.each([
    ["a delta without a job", 'event: progress\ndata: {"cursor":"e.1"}\n\n'],
    ["data that are not JSON", "event: listed\ndata: {\n\n"],
    ["a list without jobs", 'event: listed\ndata: {"subject":"s","tag":"t"}\n\n'],
  ])("given %s, fails as a strike", (_case, text) => {
    const { events } = read([new TextEncoder().encode(TEXT[0] + text)]);
    expect(events.at(-1)).toMatchObject({ kind: "failed", strike: true });
  });

  test("given a refusal with a code of a later version, ignores it", () => {
    const text = 'event: refused\ndata: {"job":"b","status":499,"code":"of-later"}\n\n';
    const { taken, events } = read([new TextEncoder().encode(TEXT[0] + text)]);
    expect(taken).toEqual([]);
    expect(events.some(({ kind }) => kind === "failed")).toBe(false);
  });
});

describe("a poll of many jobs (P67)", () => {
  const reply: ManyReply = { listed: [LIST], jobs: [], refused: [REFUSED], now: 1 };

  test("given an answer, takes its lists before its deltas, and is ready", () => {
    const { taken, receiver } = notes();
    const jobs = [toJobWire("a", delta("e.1", true, 10))];
    expect(manyReader(receiver).readPoll({ ...reply, jobs })).toBe(true);
    expect(taken).toEqual(["listed a", "b job-not-found", "a e.1", "ready"]);
  });

  test.each([
    ["nothing new", { ...reply, listed: [], refused: [] }, false],
    ["no lists", { jobs: [], refused: [] }, undefined],
    ["a strange delta", { ...reply, jobs: [{}] }, undefined],
    ["no JSON", undefined, undefined],
  ])("given %s, says so", (_case, data, expected) => {
    expect(manyReader(notes().receiver).readPoll(data)).toBe(expected);
  });
});
