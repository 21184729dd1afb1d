import { describe, expect, test } from "vitest";
import { estimateMs, expectedLengthMs, paceFor, videoLengthMs } from "../../src/pipeline/pace.js";
import type { Speaker } from "../../src/pipeline/speaker.js";
import { type Speech, speakStoryboard } from "../../src/pipeline/speech.js";
import { type Storyboard, templateScript } from "../../src/pipeline/storyboard.js";

describe("the length of a video", () => {
  test.each([
    ["a speech that ends in time", 19_120, 20, 20_000],
    ["a speech that ends just in time", 19_750, 20, 20_000],
    ["a speech that ends two seconds early", 17_500, 20, 20_000],
    ["a speech that ends three seconds early", 16_750, 20, 17_000],
    ["a speech that ends too late", 19_751, 20, 21_000],
    ["a text that is much shorter", 1_234, 20, 2_000],
    ["a text that is longer", 64_001, 20, 65_000],
    ["a part of a second", 7_000, 7.5, 8_000],
  ])("given %s, is in whole seconds, if possible those requested", (_, spokenMs, seconds, ms) => {
    expect(videoLengthMs(spokenMs, seconds)).toBe(ms);
  });

  test.each([5, 10, 20, 30, 45, 60])(
    "given an idea and %i s, the speech is padded to that length",
    async (seconds) => {
      const storyboard = templateScript({ topic: "Green tea", duration: seconds });
      const speech = await spoken(storyboard, seconds);
      expect(speech.durationMs % 1000).toBe(0);
      expect(Math.abs(speech.durationMs - seconds * 1000)).toBeLessThanOrEqual(1000);
      expect(speech.samples.length).toBe((speech.durationMs / 1000) * speech.sampleRate);
    },
  );

  test.each([
    ["an idea", "Green tea", 5],
    ["a longer idea", "Green tea", 45],
    ["a text that ends long before", "It is cold. Take a coat!", 60],
    ["a text that takes longer", "The sun rises in the east, and sets in the west. ".repeat(10), 5],
  ])("given %s, is known from the script", async (_, topic, seconds) => {
    const storyboard = templateScript({ topic, duration: seconds });
    const { durationMs } = await spoken(storyboard, seconds);
    // The samples of each line are rounded, which may reach the next whole second.
    expect(Math.abs(expectedLengthMs(storyboard, seconds) - durationMs)).toBeLessThanOrEqual(1000);
  });
});

function spoken(storyboard: Storyboard, seconds: number): Promise<Speech> {
  return speakStoryboard(storyboard, {
    speaker: estimatedSpeaker(),
    voice: "en-us",
    pace: paceFor(storyboard, seconds * 1000),
    requestedSeconds: seconds,
    maxMs: 65_000,
    onScene: async () => undefined,
  });
}

/** A speaker that takes exactly the estimated time for each line. */
function estimatedSpeaker(): Speaker {
  const sampleRate = 1000;
  return {
    sampleRate,
    speak: (text, { rate }) => ({
      samples: new Int16Array(Math.round((estimateMs("en", text) * 150) / rate)),
      words: [],
      phonemes: [],
    }),
  };
}
