import { describe, expect, test } from "vitest";
import { letterOf, mouthCues } from "../../src/pipeline/mouth-cues.js";
import { voiceFrames } from "../../src/pipeline/mouth-frames.js";

const LETTERS = [
  ["p", "A"],
  ["m", "A"],
  ["ɓ", "A"],
  ["t̪", "B"],
  ["ˈiː", "B"],
  ["s", "B"],
  ["tʃ", "B"],
  ["ˈɛ", "C"],
  ["ə", "C"],
  ["ˈaː", "D"],
  ["ʌ", "D"],
  ["ˌɔ", "E"],
  ["y", "E"],
  ["ɹ", "E"],
  ["ˈu", "F"],
  ["w", "F"],
  ["f", "G"],
  ["v", "G"],
  ["l", "H"],
  ["ð", "H"],
  ["", "X"],
  ["ˈ", "X"],
] as const;

describe("phonemes", () => {
  test.each(LETTERS)("given %s, has the shape %s", (phoneme, letter) => {
    expect(letterOf(phoneme)).toBe(letter);
  });
});

describe("cues", () => {
  const cues = mouthCues(
    [
      { atMs: 100, text: "m" },
      { atMs: 200, text: "a" },
      { atMs: 300, text: "aː" },
      { atMs: 400, text: "" },
    ],
    1000,
  );

  test("given phonemes, cover the whole time without gaps and merge equal neighbours", () => {
    expect(cues).toEqual([
      { startMs: 0, endMs: 100, letter: "X" },
      { startMs: 100, endMs: 200, letter: "A" },
      { startMs: 200, endMs: 400, letter: "D" },
      { startMs: 400, endMs: 1000, letter: "X" },
    ]);
  });

  test("given silence, rest for the whole time", () => {
    expect(mouthCues([], 500)).toEqual([{ startMs: 0, endMs: 500, letter: "X" }]);
  });

  test("given loud and soft sound, open the mouth wide and a little, and rest in a smile", () => {
    const tone = (loudness: number) => (_: unknown, n: number) => Math.sin(n / 5) * loudness;
    const loud = Int16Array.from({ length: 22_050 }, tone(20_000));
    const soft = Int16Array.from(loud, (sample, n) => (n > 10_000 ? sample : sample / 10));
    const shape = (samples: Int16Array) =>
      voiceFrames({ cues, samples, sampleRate: 22_050, fps: 25, frames: 25 });
    const loudest = Math.max(...shape(loud).map((frame) => frame.mouth.open));
    const softest = Math.max(...shape(soft).map((frame) => frame.mouth.open));
    expect(loudest).toBeGreaterThan(0.8);
    expect(softest).toBeLessThan(loudest * 0.7);
    const last = shape(loud).at(-1);
    expect(last?.mouth.open).toBeCloseTo(0, 2);
    expect(last?.mouth.smile).toBeCloseTo(1, 1);
  });

  test("given no sound, does not divide by zero", () => {
    const frames = voiceFrames({
      cues,
      samples: new Int16Array(0),
      sampleRate: 22_050,
      fps: 25,
      frames: 3,
    });
    expect(frames.every((frame) => frame.loudness === 0 && Number.isFinite(frame.mouth.open))).toBe(
      true,
    );
  });
});
