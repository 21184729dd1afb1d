import { applyDelta, deltaOfChange, emptyReplica, type Replica } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { frameCache } from "../../../src/core/hub/frame-cache.js";

/** A replica after this many writes. Each sets `message` and a step of its own. */
function replicaAt(version: number): Replica {
  const replica = emptyReplica("epoch");
  while (replica.version < version) advanceReplica(replica);
  return replica;
}

function advanceReplica(replica: Replica): void {
  const next = replica.version + 1;
  const set = { message: `message ${next}`, [`steps.s${next}`]: { status: "running" } };
  const delta = deltaOfChange(replica, { set, log: [] });
  if (delta !== undefined) applyDelta(replica, delta);
}

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

describe("frameAfter", () => {
  test("given the same cursor twice, returns the same bytes", () => {
    const frames = frameCache(replicaAt(3));
    const bytes = frames.frameAfter("epoch.2");
    expect(textOf(bytes)).toContain("id: epoch.3\n");
    expect(textOf(bytes)).toContain("steps.s3");
    expect(textOf(bytes)).not.toContain("steps.s2");
    expect(frames.frameAfter("epoch.2")).toBe(bytes);
  });

  test("given two cursors, returns the delta of each", () => {
    const frames = frameCache(replicaAt(3));
    expect(textOf(frames.frameAfter("epoch.1"))).toContain("steps.s2");
    expect(textOf(frames.frameAfter("epoch.2"))).not.toContain("steps.s2");
  });

  test("given the cursor of the replica, returns undefined", () => {
    const frames = frameCache(replicaAt(3));
    expect(frames.frameAfter("epoch.3")).toBeUndefined();
  });

  test.each(["other.2", "epoch.4", "not a cursor"])(
    "given the cursor %s, returns the bytes of the reset that a new reader gets",
    (cursor) => {
      const frames = frameCache(replicaAt(3));
      const reset = frames.frameAfter(undefined);
      expect(textOf(reset)).toContain("event: snapshot\n");
      expect(frames.frameAfter(cursor)).toBe(reset);
      expect(frames.frameAfter(undefined)).toBe(reset);
    },
  );

  test("given a reader that needs a reset before a new reader comes, shares its bytes", () => {
    const frames = frameCache(replicaAt(3));
    const reset = frames.frameAfter("other.2");
    expect(frames.frameAfter(undefined)).toBe(reset);
  });

  test("given clear() after a change of the replica, returns the new delta", () => {
    const replica = replicaAt(3);
    const frames = frameCache(replica);
    const before = frames.frameAfter("epoch.2");
    advanceReplica(replica);
    frames.clear();
    const after = frames.frameAfter("epoch.2");
    expect(after).not.toBe(before);
    expect(textOf(after)).toContain("id: epoch.4\n");
    expect(textOf(frames.frameAfter(undefined))).toContain("id: epoch.4\n");
  });

  test("given more than 32 cursors, keeps 32 frames and encodes the others at each call", () => {
    const frames = frameCache(replicaAt(40));
    const cursors = Array.from({ length: 40 }, (_, version) => `epoch.${version}`);
    const first = cursors.map((cursor) => frames.frameAfter(cursor));
    const second = cursors.map((cursor) => frames.frameAfter(cursor));
    const isKept = second.map((bytes, version) => bytes === first[version]);
    expect(isKept).toEqual(cursors.map((_, version) => version < 32));
    expect(second).toEqual(first);
  });
});

describe("heartbeat", () => {
  test("given the same time twice, returns the same bytes", () => {
    const frames = frameCache(replicaAt(3));
    const bytes = frames.heartbeat(1_000);
    expect(textOf(bytes)).toContain("event: heartbeat\n");
    expect(textOf(bytes)).toContain('"cursor":"epoch.3"');
    expect(textOf(bytes)).toContain('"now":1000');
    expect(frames.heartbeat(1_000)).toBe(bytes);
  });

  test("given another time, returns a heartbeat with that time", () => {
    const frames = frameCache(replicaAt(3));
    frames.heartbeat(1_000);
    expect(textOf(frames.heartbeat(2_000))).toContain('"now":2000');
  });

  test("given clear() after a change of the replica, returns a heartbeat with the new cursor", () => {
    const replica = replicaAt(3);
    const frames = frameCache(replica);
    frames.heartbeat(1_000);
    advanceReplica(replica);
    frames.clear();
    expect(textOf(frames.heartbeat(1_000))).toContain('"cursor":"epoch.4"');
  });
});
