import { describe, expect, test } from "vitest";
import {
  BACKGROUNDS,
  type BackgroundId,
  COMPOSITIONS,
  type CompositionId,
} from "../../src/pipeline/looks.js";
import type { VoiceFrame } from "../../src/pipeline/mouth-frames.js";
import { createStage, type Stage } from "../../src/pipeline/scene/stage.js";
import type { SceneWord } from "../../src/pipeline/speech.js";
import { readTexts } from "./contrast.js";

const FPS = 25;
const FRAMES = 100;
/** The lower edge of everything above the captions. */
const CAPTIONS_TOP = 590;
/** WCAG 2.2, 1.4.3: the contrast of text, and of text of at least 24 pixels or 19 bold ones. */
const MIN_CONTRAST = 4.5;
const MIN_LARGE_CONTRAST = 3;

const LOUD: VoiceFrame = {
  mouth: { open: 0.5, wide: 0, round: 0, teeth: 0, tongue: 0, smile: 1 },
  loudness: 1,
  energy: 1,
};

/** A long word after short ones, then a second line. */
const WORDS = ["Why", "is", "extraordinarily", "Blue", "sky?"].map(
  (text, n): SceneWord => ({
    text,
    startMs: 240 + n * 320,
    endMs: 560 + n * 320,
    scene: n < 3 ? 0 : 1,
    line: n < 3 ? 0 : 1,
  }),
);

/** For each word the frames while the highlight slides to it; for the first one of a line, also when it appears. */
const CHANGES = WORDS.flatMap(({ startMs, line }, n) => {
  const first = Math.ceil((startMs / 1000) * FPS);
  return WORDS[n - 1]?.line === line ? [first, first + 1] : [first - 4, first];
});

const LOOKS = BACKGROUNDS.flatMap(({ id: background }) =>
  COMPOSITIONS.map(({ id: composition }) => [background, composition] as const),
);

function stageOf(background: BackgroundId, composition: CompositionId): Stage {
  const scenes = ["Greeting", "The colour", "The sea", "Goodbye"];
  return createStage({
    storyboard: {
      language: "en",
      title: "Why is the sky blue over the sea?",
      kicker: "Em Linh explains",
      scenes: scenes.map((label) => ({ label, lines: [label] })),
    },
    speech: {
      samples: new Int16Array(0),
      sampleRate: 22_050,
      durationMs: (FRAMES / FPS) * 1000,
      words: WORDS,
      phonemes: [],
      droppedScenes: 0,
    },
    voice: Array.from({ length: FRAMES }, () => LOUD),
    fps: FPS,
    background,
    composition,
  });
}

describe.each(LOOKS)("the look %s with %s", (background, composition) => {
  const stage = stageOf(background, composition);

  test("given each frame around a word change, every word of the captions can be read", () => {
    for (const frame of CHANGES) {
      const words = readTexts(stage, frame, CAPTIONS_TOP);
      expect(words.length, `frame ${frame}`).toBeGreaterThanOrEqual(2);
      for (const { text, contrast } of words)
        expect(contrast, `${text} in frame ${frame}`).toBeGreaterThanOrEqual(MIN_CONTRAST);
    }
  });

  test("given a frame after the entrance, the title and the list can be read", () => {
    const texts = readTexts(stage, 40).filter(({ y }) => y < CAPTIONS_TOP);
    expect(texts.map(({ text }) => text)).toContain("The colour");
    for (const { text, contrast, fontSize } of texts)
      expect(contrast, text).toBeGreaterThanOrEqual(
        fontSize >= 24 ? MIN_LARGE_CONTRAST : MIN_CONTRAST,
      );
  });
});
