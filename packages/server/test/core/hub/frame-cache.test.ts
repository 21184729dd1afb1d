import { applyDelta, deltaOfChange, emptyReplica, type Replica } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import type { Frame } from "../../../src/core/frame.js";
import { type FrameCache, frameCache } from "../../../src/core/hub/frame-cache.js";

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

const textOf = (frame: Frame | undefined): string => frame?.text ?? "";

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

  test("given the cursor of the replica, compares versions and looks at no field and no line", () => {
    const { cursor, ...rest } = replicaAt(3);
    const looks: string[] = [];
    const lookAt = (name: "fields" | "log") => () => {
      looks.push(name);
      return rest[name];
    };
    const replica = Object.defineProperties(
      { ...rest, cursor },
      { fields: { get: lookAt("fields") }, log: { get: lookAt("log") } },
    );
    expect(frameCache(replica).frameAfter(cursor)).toBeUndefined();
    expect(looks).toEqual([]);
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

describe("the bytes that are kept", () => {
  const MIB = 1024 * 1024;

  /** A replica at a version, of which each write sets a field of its own with about this many bytes. */
  function bigReplica(version: number, bytes: number): Replica {
    const replica = emptyReplica("epoch");
    while (replica.version < version) {
      const set = { [`metadata.m${replica.version}`]: "x".repeat(bytes) };
      const delta = deltaOfChange(replica, { set, log: [] });
      if (delta !== undefined) applyDelta(replica, delta);
    }
    return replica;
  }

  const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 2));

  /** Compared by identity: to compare and print megabytes takes minutes. */
  function areSame(
    frames: FrameCache,
    cursors: readonly string[],
    before: readonly (Frame | undefined)[],
  ): boolean[] {
    return cursors.map((cursor, index) => frames.frameAfter(cursor) === before[index]);
  }

  test("given frames of 10 MiB at three cursors, shares them in the turn and keeps none after it", async () => {
    const frames = frameCache(bigReplica(3, 10 * MIB));
    const cursors = ["epoch.0", "epoch.1", "epoch.2"];
    const first = cursors.map((cursor) => frames.frameAfter(cursor));
    // In the same turn all readers share them, across promises too.
    await Promise.resolve();
    expect(areSame(frames, cursors, first)).toEqual([true, true, true]);
    await nextTurn();
    expect(areSame(frames, cursors, first)).toEqual([false, false, false]);
    frames.clear();
  });

  test("given many frames, keeps those within 4 MiB", async () => {
    const frames = frameCache(bigReplica(10, MIB));
    // The frame after version n has 10 - n MiB.
    const cursors = ["epoch.9", "epoch.8", "epoch.5"];
    const first = cursors.map((cursor) => frames.frameAfter(cursor));
    await nextTurn();
    expect(areSame(frames, cursors, first)).toEqual([true, true, false]);
    frames.clear();
  });

  test("given clear(), has room again", async () => {
    const replica = bigReplica(4, MIB);
    const frames = frameCache(replica);
    for (let round = 0; round < 5; round += 1) {
      const bytes = frames.frameAfter("epoch.1");
      await nextTurn();
      expect(areSame(frames, ["epoch.1"], [bytes])).toEqual([true]);
      frames.clear();
    }
  });
});

describe("a delta that can't be serialized", () => {
  test("given the same cursor twice, throws the same error without trying again", () => {
    const replica = replicaAt(3);
    let tries = 0;
    const value = Object.defineProperty({}, "x", {
      enumerable: true,
      get() {
        tries += 1;
        throw new Error(`try ${tries}`);
      },
    });
    replica.fields.set("metadata.odd", { value, version: 3 });
    const frames = frameCache(replica);
    const errors = [1, 2, 3].map(() => {
      try {
        return frames.frameAfter("epoch.2");
      } catch (error) {
        return error;
      }
    });
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors[1]).toBe(errors[0]);
    expect(errors[2]).toBe(errors[0]);
    expect(tries).toBe(1);
    replica.fields.delete("metadata.odd");
    frames.clear();
    expect(textOf(frames.frameAfter("epoch.2"))).toContain("id: epoch.3");
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
