import { describe, expect, test } from "vitest";
import { firstLanguage } from "../../src/page/i18n.js";
import { TEXTS, textsAbout } from "../../src/page/texts/texts.js";
import { VIDEO_PLAN } from "../../src/pipeline/plan.js";

/** Names, symbols and words that are the same in both languages. */
const SAME_IN_BOTH = new Set([
  "locale",
  "assistant",
  "videoLabel",
  "saysStep",
  "saysEnd",
  "titleWorking",
]);

/** Every text with its path. Functions are called with different values. */
function textsIn(value: unknown, path = ""): [path: string, text: string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    const args = [7, 8].slice(0, value.length);
    return [[path, String((value as (...args: number[]) => unknown)(...args))]];
  }
  return Object.entries(value as object).flatMap(([key, inner]) =>
    textsIn(inner, path === "" ? key : `${path}.${key}`),
  );
}

const vi = new Map(textsIn(TEXTS.vi));
const en = new Map(textsIn(TEXTS.en));

describe("the texts", () => {
  test("given both languages, have the same keys", () => {
    expect([...vi.keys()].toSorted()).toEqual([...en.keys()].toSorted());
    expect(vi.size).toBeGreaterThan(90);
  });

  test("given values, are never empty and never contain undefined", () => {
    for (const [path, text] of [...vi, ...en]) {
      expect(text.trim(), path).not.toBe("");
      expect(text, path).not.toMatch(/undefined|NaN|\[object/);
    }
  });

  test("given both languages, differ in every translated text", () => {
    const same = [...vi].filter(([path, text]) => en.get(path) === text).map(([path]) => path);
    expect(same.filter((path) => !SAME_IN_BOTH.has(path))).toEqual([]);
  });

  test("given values, contain every one", () => {
    for (const [language, texts] of Object.entries(TEXTS))
      for (const [key, text] of Object.entries(texts as object)) {
        if (typeof text !== "function") continue;
        const said = String((text as (...args: number[]) => unknown)(7, 8));
        expect(said, `${language}.${key}`).toContain("7");
        if (text.length > 1) expect(said, `${language}.${key}`).toContain("8");
      }
  });

  test("given a user who knows nothing of servers, have no words for the parts of one", () => {
    for (const [path, text] of [...vi, ...en])
      expect(text, path).not.toMatch(/worker|process|tiến trình|máy dựng/iu);
  });

  test("given a viewer of a shared link, never say that the video is theirs", () => {
    const owner = new Map(textsIn(TEXTS.en));
    const viewer = new Map(textsIn(textsAbout({ isOwn: false }, TEXTS.en)));
    expect([...viewer.keys()].toSorted()).toEqual([...owner.keys()].toSorted());
    for (const [path, text] of viewer) {
      if (/^(headline|explanation|queue|unseen|errors)/u.test(path))
        expect(text, path).not.toMatch(/your video|you're/iu);
    }
    expect(textsAbout({ isOwn: true }, TEXTS.en)).toBe(TEXTS.en);
    expect(textsAbout({ isOwn: false }, TEXTS.vi).queueNext).not.toMatch(/bạn/iu);
  });

  test("given the plan, have the same names of the steps", () => {
    for (const { id, title } of VIDEO_PLAN) expect(TEXTS.vi.steps[id]).toBe(title.vi);
  });

  test("given a count of one, use the singular in English", () => {
    expect(TEXTS.en.charactersLeft(1)).toBe("1 character left");
    expect(TEXTS.en.logDropped(1)).toContain("1 older line is");
  });
});

describe("the language at the first visit", () => {
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
    "is %s, given the chosen language %s and the preferred languages %j",
    (language, chosen, preferred) => {
      expect(firstLanguage(chosen, preferred)).toBe(language);
    },
  );
});
