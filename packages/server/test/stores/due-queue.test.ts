import fc from "fast-check";
import { expect, test } from "vitest";
import { dueQueue } from "../../src/stores/memory/due-queue.js";

const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), item: fc.nat(12), at: fc.nat(50) }),
  fc.record({ do: fc.constant("delete" as const), item: fc.nat(12) }),
  fc.record({ do: fc.constant("take" as const), now: fc.nat(50) }),
);

test("given insertions, moves and removals in any order, returns the earliest due item", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = dueQueue<number>();
      const model = new Map<number, number>();
      for (const next of steps) {
        if (next.do === "set") {
          queue.set(next.item, next.at);
          model.set(next.item, next.at);
        } else if (next.do === "delete") {
          queue.delete(next.item);
          model.delete(next.item);
        } else {
          const item = queue.due(next.now);
          const earliest = Math.min(...model.values());
          if (item === undefined) {
            expect(earliest).toBeGreaterThan(next.now);
          } else {
            expect(model.get(item)).toBe(earliest);
            expect(earliest).toBeLessThanOrEqual(next.now);
            queue.delete(item);
            model.delete(item);
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("given Infinity, an item is never due; clear() removes every item", () => {
  const queue = dueQueue<string>();
  queue.set("never", Number.POSITIVE_INFINITY);
  expect(queue.due(Number.MAX_SAFE_INTEGER)).toBeUndefined();
  queue.set("now", 1);
  expect(queue.due(1)).toBe("now");
  queue.clear();
  expect(queue.due(1)).toBeUndefined();
  queue.set("now", 2);
  expect(queue.due(2)).toBe("now");
});
