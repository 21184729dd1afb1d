import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { templateWriter } from "../../src/pipeline/storyboard.js";
import { cleanText } from "../../src/pipeline/text.js";
import { hasWords, normalizeTopic, topicRefusal } from "../../src/shared/topic.js";
import { codePointsIn } from "./font-characters.js";

const require = createRequire(import.meta.url);
const FONTS = ["500Medium/BeVietnamPro_500Medium.ttf", "700Bold/BeVietnamPro_700Bold.ttf"].map(
  (file) => codePointsIn(require.resolve(`@expo-google-fonts/be-vietnam-pro/${file}`)),
);

/** Whether both fonts have each part of a character. */
function hasGlyphs(character: string): boolean {
  const has = (text: string): boolean =>
    Array.from(text).every((part) => FONTS.every((font) => font.has(part.codePointAt(0) ?? 0)));
  return has(character) || has(character.normalize("NFD"));
}

describe("the characters of the fonts", () => {
  test("given each character of the basic plane, accepts it only if the video shows glyphs for it", () => {
    const wrong: string[] = [];
    let shown = 0;
    for (let point = 0x20; point <= 0xffff; point += 1) {
      const topic = normalizeTopic(`a${String.fromCodePoint(point)}a`);
      if (topicRefusal(topic, "en") !== undefined) continue;
      shown += 1;
      if (!Array.from(cleanText(topic)).every(hasGlyphs)) wrong.push(point.toString(16));
    }
    expect(wrong).toEqual([]);
    expect(shown).toBeGreaterThan(400);
  });

  test("given each character of the fonts, accepts it", () => {
    const points = [...(FONTS[0] ?? [])].filter((point) => point >= 0x20);
    const refused = points.filter((point) =>
      topicRefusal(normalizeTopic(`a${String.fromCodePoint(point)}`), "en"),
    );
    expect(refused).toEqual([]);
  });
});

describe("a topic that can't be shown", () => {
  test.each([
    ["Chinese", "你好", "你 好"],
    ["Arabic", "مرحبا", "م ر ح ب ا"],
    ["Hebrew", "שלום", "ש ל ו ם"],
    ["Cyrillic", "мир", "м и р"],
    ["Greek", "γεια", "γ ε ι α"],
    ["Thai", "ไทย", "ไ ท ย"],
    ["one foreign word", "The word 你好 means hello", "你 好"],
    ["many letters", "Привет", "П р и в е"],
    ["a mark of another script", "x\u0489", "◌\u0489"],
    ["a private character", "a\ue000", "U+E000"],
    ["a symbol", "A → B", "→"],
  ])("given %s, refuses and names the characters in both languages", (_, topic, characters) => {
    const normalized = normalizeTopic(topic);
    expect(topicRefusal(normalized, "en")).toContain("only show Latin letters");
    for (const language of ["en", "vi"] as const)
      expect(topicRefusal(normalized, language)).toContain(`\u2068${characters}\u2069`);
  });

  test.each([
    ["English", "Why is the sky blue?"],
    ["Vietnamese", "Vì sao bầu trời màu xanh?"],
    ["decomposed Vietnamese", "Vì sao bầu trời màu xanh?".normalize("NFD")],
    ["letters with other marks", "Ștefan, Ķīmija, Łódź, Ærø, naïve"],
    ["signs", "“50 % of €3” – it’s ½ … (really) & more: #1 @home!"],
    ["emoji", "Cà phê ☕️ sáng 🌞 👨‍👩‍👧 🇻🇳"],
  ])("given %s, accepts", (_, topic) => {
    expect(topicRefusal(normalizeTopic(topic), "en")).toBeUndefined();
  });
});

describe("the usual form of a topic", () => {
  test.each([
    ["decomposed letters", "Tie\u0302\u0301ng Vie\u0323\u0302t", "Tiếng Việt"],
    ["zero-width characters", "Vi\u200bệ\u2060t\ufeff Na\u00adm", "Việt Nam"],
    ["direction marks", "\u202eabc\u202c \u2067def\u2069\u200f", "abc def"],
    ["control characters", "a\u0000b\u001bc\td", "abc d"],
    ["line ends", "a\r\nb\rc\u2028d", "a\nb\nc\nd"],
    ["mathematical letters", "𝓗𝓮𝓵𝓵𝓸 𝟙𝟚", "Hello 12"],
    ["full-width letters and spaces", "Ｈｅｌｌｏ　１２", "Hello 12"],
    ["ligatures", "ﬁne", "fine"],
    ["half of a character", "a\ud800b", "ab"],
    ["signs that mean something", "x² ½ ™", "x² ½ ™"],
    ["a family of emoji", "a 👨‍👩‍👧 b", "a 👨‍👩‍👧 b"],
  ])("given %s, is their plain form", (_, topic, usual) => {
    expect(normalizeTopic(topic)).toBe(usual);
  });

  test.each(["\u3164", "\u200b\u200b", "☕️🌞", "🇻🇳", "?!…", " "])(
    "given %j, has no words",
    (topic) => {
      expect(hasWords(normalizeTopic(topic))).toBe(false);
    },
  );
});

describe("a title", () => {
  test.each([
    ["Why is the sky blue?", "Why is the sky blue?"],
    ["Make a video about why the sky is blue?", "Why the sky is blue?"],
    ["Vì sao bầu trời màu xanh?", "Vì sao bầu trời màu xanh?"],
    ["Really?!", "Really?!"],
    ["Chào bạn!", "Chào bạn!"],
    ["To be or not to be…", "To be or not to be…"],
    ["Hôm nay trời đẹp quá.", "Hôm nay trời đẹp quá"],
    ["Life in the U.S.", "Life in the U.S."],
    ["Green tea:", "Green tea"],
  ])("given %j, is %j", async (topic, title) => {
    expect(await titleOf(topic)).toBe(title);
  });

  test("given a long question, is cut and stays a question", async () => {
    const title = await titleOf(`Why is ${"the sky over the sea ".repeat(4)}blue?`);
    expect(title.length).toBeLessThanOrEqual(61);
    expect(title).toMatch(/…\?$/u);
  });

  test.each([
    "Make a video about ?",
    "Tạo video về !!!",
    "Hôm nay chúng ta cùng tìm hiểu về !",
    "Today we will talk about …. Hello!",
    "1️⃣",
    "?1",
    "-a-",
    "Hi.",
  ])("given %j, has a letter or a digit, like each scene", async (topic) => {
    const { title, scenes } = await templateWriter().write({ topic, duration: 20 });
    for (const text of [title, ...scenes.map(({ label }) => label)])
      expect(hasWords(text), text).toBe(true);
  });

  async function titleOf(topic: string): Promise<string> {
    return (await templateWriter().write({ topic, duration: 20 })).title;
  }
});
