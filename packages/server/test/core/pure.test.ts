import { MAX_CHANGE_BYTES } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { percentOfUnits, raisePercent } from "../../src/core/percent.js";
import {
  appendWrite,
  type PendingWrite,
  trimLines,
} from "../../src/core/reporter/pending-writes.js";
import { cutText } from "../../src/shared/limits.js";
import { after, backoffMs, every } from "../../src/shared/time.js";

describe("raisePercent", () => {
  test.each([
    [null, null, null],
    [undefined, undefined, null],
    [null, 0, 0],
    [null, 33.379, 33.3],
    [40, 20, 40],
    [40, 40.06, 40],
    [40, null, 40],
    [40, undefined, 40],
    [null, -5, 0],
    [90, 250, 100],
    [null, 57.3, 57.3],
  ])("given %s and then %s, is %s", (before, next, expected) => {
    expect(raisePercent(before, next)).toBe(expected);
  });

  test("given any numbers in a row, never falls and stays from 0 to 100", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ noNaN: true }))), (told) => {
        let last: number | null = null;
        for (const next of told) {
          const raised = raisePercent(last, next);
          expect(raised ?? 0).toBeGreaterThanOrEqual(last ?? 0);
          expect(raised ?? 0).toBeLessThanOrEqual(100);
          last = raised;
        }
      }),
    );
  });
});

test.each([
  [1, 4, 25],
  [0, 0, undefined],
  [5, undefined, undefined],
  [undefined, 5, undefined],
])("percentOfUnits given %s of %s is %s", (done, total, expected) => {
  expect(percentOfUnits(done, total)).toBe(expected);
});

const MAX_TEXT = 4096;

test("cutText given any text, is at most 4096 long, and leaves short ones alone", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "é", "😀", "\n")), fc.nat(9), (end, short) => {
      const text = "x".repeat(MAX_TEXT - short) + end.join("");
      const cut = cutText(text);
      expect(cut.length).toBeLessThanOrEqual(MAX_TEXT);
      if (text.length <= MAX_TEXT) expect(cut).toBe(text);
      // Half of a surrogate pair can't be encoded.
      expect(() => encodeURIComponent(cut)).not.toThrow();
    }),
  );
});

test("backoffMs given failures, doubles up to the bound, and jitter only shortens it", () => {
  const at = (failures: number, dice: number) => backoffMs(failures, { maxMs: 5_000 }, () => dice);
  expect([1, 2, 3, 4, 5, 6, 60].map((failures) => at(failures, 1))).toEqual([
    200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ]);
  expect(at(3, 0)).toBe(400);
});

test.each([after, every])("given %o, a timer keeps no process alive", (start) => {
  const timer = start(60_000, () => {});
  expect(timer.hasRef()).toBe(false);
  clearTimeout(timer);
});

const pendingWrite = (
  more: Partial<PendingWrite> & { fields?: string; lines?: readonly string[] },
): PendingWrite => ({
  change: {
    set: Object.fromEntries([...(more.fields ?? "")].map((field) => [field, more.upTo ?? 1])),
    log: (more.lines ?? []).map((text) => ({ at: 1, level: "info", text })),
  },
  bytes: 100,
  upTo: 1,
  isLast: false,
  isUncertain: false,
  ...more,
});

describe("appendWrite", () => {
  test("given what fits, merges it into the last write", () => {
    const queue = appendWrite(
      [pendingWrite({ fields: "ab", lines: ["1"] })],
      pendingWrite({ fields: "b", lines: ["2"], upTo: 2, isLast: true }),
    );
    expect(queue).toMatchObject([
      { bytes: 200, upTo: 2, isLast: true, change: { set: { a: 1, b: 2 } } },
    ]);
    expect(queue[0]?.change.log.map(({ text }) => text)).toEqual(["1", "2"]);
  });

  test("given what doesn't fit, takes its fields out of those before, and drops what is empty then", () => {
    const big = { bytes: MAX_CHANGE_BYTES };
    const queue = appendWrite(
      [pendingWrite({ fields: "a", ...big }), pendingWrite({ fields: "bc", ...big })],
      pendingWrite({ fields: "ab", upTo: 3, ...big }),
    );
    expect(queue.map(({ change }) => Object.keys(change.set))).toEqual([["c"], ["a", "b"]]);
  });

  test("given an uncertain write, neither merges with it nor changes it", () => {
    const uncertain = pendingWrite({ fields: "a", isUncertain: true });
    const queue = appendWrite([uncertain], pendingWrite({ fields: "a", upTo: 2 }));
    expect(queue).toHaveLength(2);
    expect(queue[0]).toBe(uncertain);
  });
});

describe("trimLines", () => {
  test("given more lines than the bound, drops the oldest, and says how many; again, adds them up", () => {
    const texts = (queue: readonly PendingWrite[]) =>
      queue.flatMap(({ change }) => change.log.map(({ text }) => text));
    const once = trimLines([pendingWrite({ lines: ["1", "2", "3", "4"] })], 3);
    expect(texts(once)).toEqual([
      "1 line dropped here: the store could not be reached.",
      "2",
      "3",
      "4",
    ]);
    const twice = trimLines(once, 3);
    expect(texts(twice)[0]).toBe("1 line dropped here: the store could not be reached.");
    const more = trimLines(appendWrite(twice, pendingWrite({ lines: ["5", "6"] })), 3);
    expect(texts(more)[0]).toMatch(/^[34] lines dropped here/);
    expect(texts(more).slice(-3)).toEqual(["4", "5", "6"]);
  });

  test("given lines that may be written already, leaves them", () => {
    const queue = [
      pendingWrite({ lines: ["1", "2"], isUncertain: true }),
      pendingWrite({ lines: ["3"] }),
    ];
    expect(trimLines(queue, 2)[0]).toBe(queue[0]);
  });
});
