import { describe, expect, test } from "vitest";
import { firstLanguage } from "../../src/page/language.js";
import { TEXTS } from "../../src/page/texts/texts.js";
import { VIDEO_PLAN } from "../../src/pipeline/plan.js";

/** Names, marks and what is the same word in both languages. */
const SAME_IN_BOTH = new Set([
  "locale",
  "assistant",
  "videoLabel",
  "saysStep",
  "saysEnd",
  "titleWorking",
]);

/** Every text by its path; one that takes values is called with some that can be told apart. */
function spoken(value: unknown, path = ""): [path: string, text: string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    const args = [7, 8].slice(0, value.length);
    return [[path, String((value as (...args: number[]) => unknown)(...args))]];
  }
  return Object.entries(value as object).flatMap(([key, inner]) =>
    spoken(inner, path === "" ? key : `${path}.${key}`),
  );
}

const vi = new Map(spoken(TEXTS.vi));
const en = new Map(spoken(TEXTS.en));

describe("the texts", () => {
  test("have the same keys in both languages", () => {
    expect([...vi.keys()].toSorted()).toEqual([...en.keys()].toSorted());
    expect(vi.size).toBeGreaterThan(90);
  });

  test("are never empty, and never say undefined", () => {
    for (const [path, text] of [...vi, ...en]) {
      expect(text.trim(), path).not.toBe("");
      expect(text, path).not.toMatch(/undefined|NaN|\[object/);
    }
  });

  test("were translated: none is the same in both", () => {
    const same = [...vi].filter(([path, text]) => en.get(path) === text).map(([path]) => path);
    expect(same.filter((path) => !SAME_IN_BOTH.has(path))).toEqual([]);
  });

  test("say every value that they are given", () => {
    for (const [language, texts] of Object.entries(TEXTS))
      for (const [key, text] of Object.entries(texts as object)) {
        if (typeof text !== "function") continue;
        const said = String((text as (...args: number[]) => unknown)(7, 8));
        expect(said, `${language}.${key}`).toContain("7");
        if (text.length > 1) expect(said, `${language}.${key}`).toContain("8");
      }
  });

  test("name the steps as the plan does", () => {
    for (const { id, title } of VIDEO_PLAN) expect(TEXTS.vi.steps[id]).toBe(title.vi);
  });

  test("in English are in the singular for one", () => {
    expect(TEXTS.en.charactersLeft(1)).toBe("1 character left");
    expect(TEXTS.en.logDropped(1)).toContain("1 older line is");
  });
});

describe("the first language", () => {
  test.each([
    ["vi", "vi", ["en-US"]],
    ["en", "en", ["vi"]],
    ["vi", null, ["vi-VN", "en"]],
    ["vi", null, ["fr", "VI", "en"]],
    ["en", null, ["en-GB", "vi"]],
    ["en", null, ["fr-FR", "de"]],
    ["en", null, []],
    ["vi", "klingon", ["vi"]],
  ] as const)(
    "is %s, given the choice %s and the preferences %j",
    (language, chosen, preferred) => {
      expect(firstLanguage(chosen, preferred)).toBe(language);
    },
  );
});
