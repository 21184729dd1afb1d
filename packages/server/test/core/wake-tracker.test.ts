import { expect, test } from "vitest";
import { wakeTracker } from "../../src/core/wake-tracker.js";

test("given nothing, notes no version", () => {
  const versions = wakeTracker();
  expect(versions.isAbove(0)).toBe(false);
  expect(versions.isUnknown()).toBe(false);
});

test("given versions in any order, compares with the highest", () => {
  const versions = wakeTracker();
  for (const version of [3, 5, 4]) versions.note(version);
  expect(versions.isAbove(4)).toBe(true);
  expect(versions.isAbove(5)).toBe(false);
  expect(versions.isUnknown()).toBe(false);
});

test("given a wake without a version, is unknown and keeps the highest version", () => {
  const versions = wakeTracker();
  versions.note(5);
  versions.note();
  versions.note(2);
  expect(versions.isUnknown()).toBe(true);
  expect(versions.isAbove(4)).toBe(true);
  expect(versions.isAbove(5)).toBe(false);
});

test("given clear(), forgets everything and notes later wakes", () => {
  const versions = wakeTracker();
  versions.note(5);
  versions.note();
  versions.clear();
  expect(versions.isUnknown()).toBe(false);
  expect(versions.isAbove(0)).toBe(false);
  versions.note(1);
  expect(versions.isAbove(0)).toBe(true);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1.5, 0, -1, "2", {}, null])(
  "given a wake with %o, which is no version, is unknown and later versions count",
  (odd) => {
    const wakes = wakeTracker();
    wakes.note(odd as number);
    expect(wakes.isUnknown()).toBe(true);
    wakes.note(3);
    expect([wakes.isAbove(2), wakes.isAbove(3)]).toEqual([true, false]);
  },
);
