import { describe, expect, test } from "vitest";
import {
  clockText,
  countText,
  durationText,
  percentText,
  remainingText,
  sizeText,
} from "../../src/page/format.js";
import { TEXTS } from "../../src/page/texts/texts.js";

const { vi, en } = TEXTS;

describe("a duration", () => {
  test.each([
    [0, "< 0,1 giây", "< 0.1 s"],
    [49, "< 0,1 giây", "< 0.1 s"],
    [50, "0,1 giây", "0.1 s"],
    [6240, "6,2 giây", "6.2 s"],
    [59_949, "59,9 giây", "59.9 s"],
    [59_950, "1 phút", "1 min"],
    [65_000, "1 phút 5 giây", "1 min 5 s"],
    [120_400, "2 phút", "2 min"],
  ])("given %d ms, is %s and %s", (ms, vietnamese, english) => {
    expect(durationText(ms, vi)).toBe(vietnamese);
    expect(durationText(ms, en)).toBe(english);
  });
});

describe("the remaining time", () => {
  test.each([
    [null, undefined],
    [0, "almost done"],
    [2000, "almost done"],
    [2001, "about 3 s left"],
    [12_300, "about 13 s left"],
    [23_000, "about 25 s left"],
    [57_400, "about 1 min left"],
    [59_900, "about 1 min left"],
    [93_000, "about 1 min 35 s left"],
  ])("given %s ms, is %s", (etaMs, text) => {
    expect(remainingText(etaMs, en)).toBe(text);
  });

  test("given Vietnamese, is in Vietnamese", () => {
    expect(remainingText(12_000, vi)).toBe("còn khoảng 12 giây");
  });
});

test("given a percent, rounds it down", () => {
  expect(percentText(99.9)).toBe("99%");
  expect(percentText(0)).toBe("0%");
  expect(percentText(null)).toBe("…");
});

test("given the length of a video, writes it as players do", () => {
  expect([400, 9960, 65_000, 600_000].map(clockText)).toEqual(["0:00", "0:09", "1:05", "10:00"]);
});

test("given a size, writes at least one kilobyte, and changes the unit before four digits", () => {
  expect([1, 840_400, 999_499, 999_500, 1_234_567].map((bytes) => sizeText(bytes, en))).toEqual([
    "1 KB",
    "840 KB",
    "999 KB",
    "1 MB",
    "1.2 MB",
  ]);
});

test("given a count, writes the unit in the user's language, or as the server sent it", () => {
  expect(countText({ done: 3, total: 9, unit: "frames" }, vi)).toBe("3/9 khung");
  expect(countText({ done: 3, total: 9, unit: "tracks" }, vi)).toBe("3/9 tracks");
  expect(countText({ done: 3, total: 9 }, vi)).toBe("3/9");
  expect(countText({ done: 3 }, vi)).toBeUndefined();
});
