import { expect, test } from "vitest";
import { createQueue, type Queue } from "../../src/server/queue.js";

interface Scene {
  readonly queue: Queue<string>;
  readonly begun: string[];
  /** Each move as `entry@position`. */
  readonly moves: string[];
  /** Ends the work on an entry, and resolves when the queue knows. */
  finish(entry: string): Promise<void>;
}

function createScene(maxWaiting: number): Scene {
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

function add({ queue }: Scene, ...entries: readonly string[]): (number | undefined)[] {
  return entries.map((entry) => queue.reserve()?.take(entry));
}

test("given three entries, works on one at a time, in order, and tells who moves", async () => {
  const scene = createScene(5);
  expect(add(scene, "a", "b", "c")).toEqual([0, 1, 2]);
  expect(scene.begun).toEqual(["a"]);
  expect(scene.moves).toEqual(["b@1", "c@2"]);
  await scene.finish("a");
  expect(scene.begun).toEqual(["a", "b"]);
  expect(scene.moves).toEqual(["b@1", "c@2", "c@1"]);
  await scene.finish("b");
  await scene.finish("c");
  expect(scene.begun).toEqual(["a", "b", "c"]);
  expect(add(scene, "d")).toEqual([0]);
});

test("given a full queue, has no place until one is free, and counts places that are kept", async () => {
  const scene = createScene(1);
  expect(add(scene, "a")).toEqual([0]);
  const kept = scene.queue.reserve();
  expect(scene.queue.reserve()).toBeUndefined();
  kept?.release();
  kept?.release();
  const again = scene.queue.reserve();
  expect(scene.queue.reserve()).toBeUndefined();
  expect(again?.take("b")).toBe(1);
  expect(scene.queue.reserve()).toBeUndefined();
  await scene.finish("a");
  expect(add(scene, "c")).toEqual([1]);
});

test("given an entry that leaves, those behind it move up, and it is never worked on", async () => {
  const scene = createScene(5);
  add(scene, "a", "b", "c", "d");
  scene.moves.length = 0;
  expect(scene.queue.remove("b")).toBe(true);
  expect(scene.queue.remove("b")).toBe(false);
  expect(scene.queue.remove("a")).toBe(false);
  expect(scene.moves).toEqual(["c@1", "d@2"]);
  await scene.finish("a");
  expect(scene.begun).toEqual(["a", "c"]);
});

test("given entries, finds the one at work and those that wait", () => {
  const scene = createScene(5);
  add(scene, "a", "b");
  expect(scene.queue.find((entry) => entry === "a")).toBe("a");
  expect(scene.queue.find((entry) => entry === "b")).toBe("b");
  expect(scene.queue.find((entry) => entry === "z")).toBeUndefined();
});

test("given a close, hands back who waits, begins nothing, and lets nobody in", async () => {
  const scene = createScene(5);
  add(scene, "a", "b", "c");
  const kept = scene.queue.reserve();
  expect(scene.queue.close()).toEqual(["b", "c"]);
  expect(scene.queue.reserve()).toBeUndefined();
  expect(kept?.take("d")).toBeUndefined();
  await scene.finish("a");
  await scene.queue.idle();
  expect(scene.begun).toEqual(["a"]);
  expect(scene.queue.close()).toEqual([]);
});

test("given work that fails, goes on with the next", async () => {
  const begun: string[] = [];
  const queue = createQueue<string>({
    maxWaiting: 5,
    onMove: () => undefined,
    work: async (entry) => {
      begun.push(entry);
      throw new Error("broken");
    },
  });
  queue.reserve()?.take("a");
  queue.reserve()?.take("b");
  await queue.idle();
  await queue.idle();
  expect(begun).toEqual(["a", "b"]);
});
