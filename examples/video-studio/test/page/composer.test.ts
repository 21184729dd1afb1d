import { describe, expect, test } from "vitest";
import { topicsIn, withoutTopic } from "../../src/page/lines.js";
import {
  charactersLeft,
  faultIn,
  isTooLong,
  requestIn,
} from "../../src/page/parts/composer-request.js";
import { TEXTS } from "../../src/page/texts/texts.js";

const I18N = { language: "en", texts: TEXTS.en, choose() {}, onChange() {} } as const;

describe("one video per line", () => {
  test("given a text, has a topic for each line that is not empty", () => {
    expect(topicsIn(" one \r\n\n  two\u2028three\n")).toEqual(["one", "two", "three"]);
    expect(topicsIn("  \n ")).toEqual([]);
  });

  test("given a topic that was sent, removes its line once and leaves the others unchanged", () => {
    expect(withoutTopic("one\n  two \ntwo\n\nthree", "two")).toBe("one\ntwo\n\nthree");
    expect(withoutTopic("one", "two")).toBe("one");
  });

  test("given the whole text as one video, has one topic and counts the lines", () => {
    expect(requestIn("one\ntwo", false)).toEqual({
      isBatch: false,
      topics: ["one\ntwo"],
      lines: 2,
    });
    expect(requestIn(" ", false).topics).toEqual([]);
  });
});

describe("a request", () => {
  const lines = (count: number) =>
    requestIn(Array.from({ length: count }, (_, index) => `idea ${index}`).join("\n"), true);

  test("given ten lines, is accepted; given eleven, is too long", () => {
    expect(isTooLong(lines(10))).toBe(false);
    expect(isTooLong(lines(11))).toBe(true);
  });

  test("given a long line among short ones, counts its characters", () => {
    const request = requestIn(`short\n${"a".repeat(601)}`, true);
    expect(charactersLeft(request)).toBe(-1);
    expect(isTooLong(request)).toBe(true);
  });

  test("given a line that can't be shown, names the line", () => {
    expect(faultIn(requestIn("sky\n你好", true), I18N)).toMatch(/^Line 2: .*你 好/u);
    expect(faultIn(requestIn("你好", true), I18N)).not.toMatch(/^Line/u);
    expect(faultIn(requestIn("sky\nsea", true), I18N)).toBeUndefined();
    expect(faultIn(requestIn("", true), I18N)).toBe(TEXTS.en.topicMissing);
  });
});
