import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jobOrder } from "../../src/stores/memory/job-order.js";

const END = Number.POSITIVE_INFINITY;

function filled(count: number) {
  const order = jobOrder<{ readonly number: number }>();
  const items = Array.from({ length: count }, (_, index) => ({ number: index + 1 }));
  for (const item of items) order.add(item);
  return { order, items };
}

describe("the order of jobs", () => {
  test("given additions and removals in any order, has the same pages as a sorted list", () => {
    const steps = fc.array(fc.nat(5000), { maxLength: 2000, size: "max" });
    fc.assert(
      fc.property(steps, fc.nat(3000), (given, below) => {
        const { order, items } = filled(0);
        for (const [index, each] of given.entries()) {
          if (each % 5 < 3) {
            const item = { number: 1 + index + (index % 3) };
            if (item.number <= (items.at(-1)?.number ?? 0)) continue;
            items.push(item);
            order.add(item);
          } else {
            const [removed] = items.splice(each % Math.max(items.length, 1), 1);
            if (removed !== undefined) order.remove(removed);
          }
        }
        const wanted = items.filter(({ number }) => number < below).reverse();
        expect(order.below(below, 600)).toEqual(wanted.slice(0, 600));
        expect(order.below(END, 1)).toEqual(items.slice(-1));
        expect(order.size).toBe(items.length);
      }),
      { numRuns: 60 },
    );
  });

  test("given a removal twice, or of an item that it never had, changes nothing", () => {
    const { order, items } = filled(3);
    const [first] = items;
    if (first !== undefined) for (const item of [first, first, { number: 2 }]) order.remove(item);
    expect(order.below(END, 9).map(({ number }) => number)).toEqual([3, 2]);
    expect(order.size).toBe(2);
  });

  test("given every item but a few removed, has the rest on one page", () => {
    const { order, items } = filled(100_000);
    for (const item of items) if (item.number % 10_000 !== 0) order.remove(item);
    const numbers = order.below(END, 100).map(({ number }) => number);
    expect(numbers).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((n) => n * 10_000));
  });
});
