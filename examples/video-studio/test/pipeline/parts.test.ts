import { describe, expect, test } from "vitest";
import { espeakSpeaker } from "../../src/pipeline/espeak-speaker.js";
import { hasStatsPeriod } from "../../src/pipeline/ffmpeg-locate.js";
import { VIDEO_PLAN } from "../../src/pipeline/plan.js";
import { parseVideoRequest } from "../../src/pipeline/request.js";
import { blinkTimes } from "../../src/pipeline/scene/motion.js";
import { positionAt, sceneSpans } from "../../src/pipeline/scene/timeline.js";
import { findVoice, VOICES, voiceFor } from "../../src/pipeline/voices.js";
import { encodeWav } from "../../src/pipeline/wav.js";
import { timeWords } from "../../src/pipeline/word-times.js";

describe("requests", () => {
  test("given only a topic, adds the defaults", () => {
    expect(parseVideoRequest({ topic: "  trà xanh " })).toEqual({
      topic: "trà xanh",
      duration: 20,
      background: "violet",
      composition: "presenter",
    });
  });

  const REFUSED = [
    ["nothing", undefined, "invalid-request"],
    ["no topic", {}, "invalid-request"],
    ["a topic of punctuation only", { topic: " ?!… " }, "invalid-request"],
    ["601 characters", { topic: "a".repeat(601) }, "invalid-request"],
    ["4 seconds", { topic: "a", duration: 4 }, "invalid-request"],
    ["61 seconds", { topic: "a", duration: 61 }, "invalid-request"],
    ["a duration that is not a number", { topic: "a", duration: Number.NaN }, "invalid-request"],
    ["an unknown background", { topic: "a", background: "toString" }, "invalid-request"],
    ["an unknown composition", { topic: "a", composition: "x" }, "invalid-request"],
    ["an unknown voice", { topic: "a", voice: "en-gb" }, "unknown-voice"],
  ] as const;

  test.each(REFUSED)("given %s, refuses", (_, input, code) => {
    expect(() => parseVideoRequest(input)).toThrow(expect.objectContaining({ code }));
  });
});

describe("voices", () => {
  test("given a voice of another language, chooses one of the same gender", () => {
    expect(voiceFor("vi").id).toBe("vi+f3");
    expect(voiceFor("en").id).toBe("en-us+f3");
    expect(voiceFor("en", findVoice("vi-vn-x-south")).id).toBe("en-us");
    expect(voiceFor("vi", findVoice("vi-vn-x-south")).id).toBe("vi-vn-x-south");
  });

  test("given each voice, the engine returns words, phonemes and a different sound", async () => {
    const speaker = await espeakSpeaker();
    const text = { vi: "Xin chào.", en: "Good morning." };
    const sounds = VOICES.map(({ id, language }) => {
      const said = speaker.speak(text[language], { voice: id, rate: 150, maxMs: 5000 });
      expect(said.words.length, id).toBeGreaterThanOrEqual(2);
      expect(said.phonemes.length, id).toBeGreaterThan(3);
      expect(
        said.samples.some((sample) => Math.abs(sample) > 2000),
        id,
      ).toBe(true);
      return Buffer.from(said.samples.buffer).toString("base64");
    });
    expect(new Set(sounds).size).toBe(VOICES.length);
  });

  test("given an unknown voice, throws instead of using another one", async () => {
    const speaker = await espeakSpeaker();
    const options = { voice: "zz" as never, rate: 150, maxMs: 5000 };
    expect(() => speaker.speak("Hello.", options)).toThrow(
      expect.objectContaining({ code: "unknown-voice" }),
    );
  });
});

describe("word times", () => {
  test("given spoken words that differ from the written ones, returns a time for each written one", () => {
    const spoken = [
      { atMs: 0, textIndex: 0 },
      { atMs: 300, textIndex: 5 },
      { atMs: 500, textIndex: 5 },
      { atMs: 900, textIndex: 15 },
    ];
    const words = timeWords("Năm  2025 - là tốt", spoken, 1200);
    expect(words.map((word) => word.text)).toEqual(["Năm", "2025", "-", "là", "tốt"]);
    expect(words.map((word) => Math.round(word.startMs))).toEqual([0, 300, 500, 700, 900]);
    for (const [n, word] of words.entries()) {
      expect(word.endMs).toBe(words[n + 1]?.startMs ?? 1200);
      expect(word.endMs).toBeGreaterThanOrEqual(word.startMs);
    }
  });

  test("given no times, divides the sound evenly", () => {
    const words = timeWords("a b c d", [], 400);
    expect(words[0]?.startMs).toBe(0);
    expect(words.at(-1)?.endMs).toBe(400);
    expect(words.every((word) => word.endMs > word.startMs)).toBe(true);
  });
});

describe("the times of scenes", () => {
  const word = (scene: number, startMs: number) => ({
    text: "a",
    startMs,
    endMs: startMs + 100,
    scene,
    line: scene,
  });
  const spans = sceneSpans([word(0, 240), word(1, 1000)], 3, 2000);

  test("given a scene that was left out, never reaches it", () => {
    expect(spans).toEqual([
      { startMs: 0, endMs: 1000 },
      { startMs: 1000, endMs: 2000 },
      { startMs: 2000, endMs: 2000 },
    ]);
    expect(positionAt(spans, 0).index).toBe(0);
    expect(positionAt(spans, 1999)).toMatchObject({ index: 1, sinceMs: 999 });
  });
});

test("given a minute, blinks every few seconds, at the same times in every run", () => {
  const times = blinkTimes(60);
  expect(times.length).toBeGreaterThan(10);
  expect(times.length).toBeLessThan(40);
  expect(blinkTimes(60)).toEqual(times);
});

test("given the plan, its weights add up to 100", () => {
  expect(VIDEO_PLAN.reduce((sum, step) => sum + step.weight, 0)).toBe(100);
});

test("given samples, encodes a wave file", () => {
  const wav = Buffer.from(encodeWav(Int16Array.of(1, -2), 22_050));
  expect(wav.toString("latin1", 0, 4) + wav.toString("latin1", 8, 16)).toBe("RIFFWAVEfmt ");
  expect(wav.readUInt32LE(4)).toBe(wav.length - 8);
  expect([wav.readInt16LE(44), wav.readInt16LE(46)]).toEqual([1, -2]);
});

test.each([
  ["libavutil      56. 24.100", false],
  ["libavutil      56. 70.100", true],
  ["libavutil      60.  8.100", true],
  ["another text", false],
])("given %s, detects whether ffmpeg has the option", (text, isThere) => {
  expect(hasStatsPeriod(text)).toBe(isThere);
});
