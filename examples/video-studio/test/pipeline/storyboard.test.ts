import { describe, expect, test } from "vitest";
import { estimateMs, paceFor } from "../../src/pipeline/pace.js";
import { type Storyboard, templateWriter } from "../../src/pipeline/storyboard.js";

const write = (topic: string, duration = 20): Promise<Storyboard> =>
  templateWriter().write({ topic, duration });

const wordsOf = (storyboard: Storyboard): string =>
  storyboard.scenes.flatMap((scene) => scene.lines).join(" ");

describe("an idea", () => {
  const ideas = [
    {
      topic: "Trí tuệ nhân tạo trong đời sống",
      language: "vi",
      said: "về trí tuệ nhân tạo trong đời sống.",
    },
    { topic: "Hà Nội mùa thu", language: "vi", said: "về Hà Nội mùa thu." },
    { topic: "Tạo một video ngắn về cà phê sáng", language: "vi", said: "về cà phê sáng." },
    { topic: "Vì sao bầu trời màu xanh?", language: "vi", said: "về vì sao bầu trời màu xanh." },
    { topic: "AI at work", language: "en", said: "about AI at work." },
    { topic: "Make a video about Green tea", language: "en", said: "about green tea." },
    { topic: "Please create a short video on sleep", language: "en", said: "about sleep." },
    { topic: "Cà phê ☕️ sáng 🌞", language: "vi", said: "về cà phê sáng." },
  ] as const;

  test.each(ideas)(
    "given $topic, writes the script in $language",
    async ({ topic, language, said }) => {
      const storyboard = await write(topic);
      expect(storyboard.language).toBe(language);
      expect(wordsOf(storyboard)).toContain(said);
      expect(storyboard.title.length).toBeGreaterThan(0);
    },
  );

  test("given enough time, has a greeting, the idea, three points and a close", async () => {
    const { scenes } = await write("cà phê sáng", 40);
    expect(scenes).toHaveLength(6);
    expect(scenes[0]?.label).toBe("Lời chào");
    expect(scenes.at(-1)?.label).toBe("Lời kết");
    expect(scenes.every((scene) => scene.label !== "" && scene.lines.length > 0)).toBe(true);
  });

  test("given the same input twice, writes the same script", async () => {
    expect(await write("coffee", 33)).toEqual(await write("coffee", 33));
  });

  test.each(["cà phê sáng", "The history of coffee"])(
    "given %s, fits every duration",
    async (topic) => {
      let before = 0;
      for (const seconds of [5, 10, 20, 30, 45, 60]) {
        const storyboard = await write(topic, seconds);
        const lines = storyboard.scenes.flatMap((scene) => scene.lines);
        const ms = lines.reduce((sum, line) => sum + estimateMs(storyboard.language, line), 0);
        expect(ms, `${seconds} s`).toBeGreaterThan(seconds * 550);
        expect(ms, `${seconds} s`).toBeLessThan(seconds * 1100);
        expect(lines.length).toBeGreaterThanOrEqual(before);
        before = lines.length;
      }
    },
  );
});

describe("a text", () => {
  test("given whole sentences, has each one as it was written", async () => {
    const text = "Xin chào các bạn! Hôm nay trời đẹp quá. Mình đi dạo nhé?";
    const storyboard = await write(text);
    expect(storyboard.scenes.map((scene) => scene.lines)).toEqual([
      ["Xin chào các bạn!"],
      ["Hôm nay trời đẹp quá."],
      ["Mình đi dạo nhé?"],
    ]);
    expect(storyboard.title).toBe("Hôm nay trời đẹp quá");
  });

  test("given a sentence with an introduction, has a title without it", async () => {
    const { title } = await write(
      "Chào các bạn! Hôm nay chúng ta cùng tìm hiểu về trà xanh. Hẹn gặp lại!",
    );
    expect(title).toBe("Trà xanh");
  });

  test("given one complete sentence, has only that sentence", async () => {
    expect((await write("Chào bạn!")).scenes).toEqual([
      { label: "Chào bạn!", lines: ["Chào bạn!"] },
    ]);
  });

  test("given a number with a point and an address, does not split them", async () => {
    const { scenes } = await write("Version 3.5 is out at example.com today. It is good.");
    expect(scenes).toHaveLength(2);
  });

  test("given a sentence of 600 characters, splits it and loses no word", async () => {
    const text = `${"một câu rất dài, ".repeat(35)}hết.`;
    const { scenes } = await write(text);
    expect(scenes).toHaveLength(1);
    expect(scenes[0]?.lines.join(" ")).toBe(text);
    expect(scenes[0]?.lines.every((line) => line.length <= 160)).toBe(true);
    expect(scenes[0]?.label.length).toBeLessThanOrEqual(41);
  });

  test("given 600 letters without a space, splits them too", async () => {
    const { scenes, title } = await write("a".repeat(600));
    expect(scenes[0]?.lines.join("")).toBe("a".repeat(600));
    expect(title.length).toBeLessThanOrEqual(61);
  });
});

test("given too little or too much text, limits the pace to a natural range", async () => {
  const short = paceFor(await write("Chào bạn!", 60), 60_000);
  const long = paceFor(await write("một câu dài. ".repeat(45).trim(), 5), 5000);
  expect(short.rate).toBeGreaterThan(120);
  expect(long.rate).toBeLessThan(200);
});
