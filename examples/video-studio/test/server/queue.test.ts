import { expect, test } from "vitest";
import { createQueue, type Queue } from "../../src/server/queue.js";

interface Fixture {
  readonly queue: Queue<string>;
  readonly begun: string[];
  /** Each move as `entry@position`. */
  readonly moves: string[];
  /** Ends the work on an entry, and resolves when the queue has noticed. */
  finish(entry: string): Promise<void>;
}

function createFixture(maxWaiting: number): Fixture {
  const begun: string[] = [];
  const moves: string[] = [];
  const finishers = new Map<string, () => void>();
  const queue = createQueue<string>({
    maxWaiting,
    onMove: (entry, position) => moves.push(`${entry}@${position}`),
    work: (entry) => {
      begun.push(entry);
      return new Promise((resolve) => finishers.set(entry, resolve));
    },
  });
  return {
    ...{ queue, begun, moves },
    async finish(entry) {
      const done = queue.idle();
      finishers.get(entry)?.();
      await done;
    },
  };
}

function add({ queue }: Fixture, ...entries: readonly string[]): (number | undefined)[] {
  return entries.map((entry) => queue.reserve()?.add(entry));
}

test("given three entries, works on one at a time, in order, and reports who moves", async () => {
  const fixture = createFixture(5);
  expect(add(fixture, "a", "b", "c")).toEqual([0, 1, 2]);
  expect(fixture.begun).toEqual(["a"]);
  expect(fixture.moves).toEqual(["b@1", "c@2"]);
  await fixture.finish("a");
  expect(fixture.begun).toEqual(["a", "b"]);
  expect(fixture.moves).toEqual(["b@1", "c@2", "c@1"]);
  await fixture.finish("b");
  await fixture.finish("c");
  expect(fixture.begun).toEqual(["a", "b", "c"]);
  expect(add(fixture, "d")).toEqual([0]);
});

test("given a full queue, has no slot until one is free, and counts reserved slots", async () => {
  const fixture = createFixture(1);
  expect(add(fixture, "a")).toEqual([0]);
  const reserved = fixture.queue.reserve();
  expect(fixture.queue.reserve()).toBeUndefined();
  reserved?.release();
  reserved?.release();
  const again = fixture.queue.reserve();
  expect(fixture.queue.reserve()).toBeUndefined();
  expect(again?.add("b")).toBe(1);
  expect(fixture.queue.reserve()).toBeUndefined();
  await fixture.finish("a");
  expect(add(fixture, "c")).toEqual([1]);
});

test("given an entry that is removed, moves up those behind it and never works on it", async () => {
  const fixture = createFixture(5);
  add(fixture, "a", "b", "c", "d");
  fixture.moves.length = 0;
  expect(fixture.queue.remove("b")).toBe(true);
  expect(fixture.queue.remove("b")).toBe(false);
  expect(fixture.queue.remove("a")).toBe(false);
  expect(fixture.moves).toEqual(["c@1", "d@2"]);
  await fixture.finish("a");
  expect(fixture.begun).toEqual(["a", "c"]);
});

test("given entries, finds the current one and the waiting ones", () => {
  const fixture = createFixture(5);
  add(fixture, "a", "b");
  expect(fixture.queue.find((entry) => entry === "a")).toBe("a");
  expect(fixture.queue.find((entry) => entry === "b")).toBe("b");
  expect(fixture.queue.find((entry) => entry === "z")).toBeUndefined();
});

test("given a close, returns the waiting entries, begins nothing and accepts nothing", async () => {
  const fixture = createFixture(5);
  add(fixture, "a", "b", "c");
  const reserved = fixture.queue.reserve();
  expect(fixture.queue.close()).toEqual(["b", "c"]);
  expect(fixture.queue.reserve()).toBeUndefined();
  expect(reserved?.add("d")).toBeUndefined();
  await fixture.finish("a");
  await fixture.queue.idle();
  expect(fixture.begun).toEqual(["a"]);
  expect(fixture.queue.close()).toEqual([]);
});

test("given work that fails, goes on with the next entry", async () => {
  const begun: string[] = [];
  const queue = createQueue<string>({
    maxWaiting: 5,
    onMove: () => undefined,
    work: async (entry) => {
      begun.push(entry);
      throw new Error("broken");
    },
  });
  queue.reserve()?.add("a");
  queue.reserve()?.add("b");
  await queue.idle();
  await queue.idle();
  expect(begun).toEqual(["a", "b"]);
});
