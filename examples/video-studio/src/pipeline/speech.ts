import type { Pace } from "./pace.js";
import { LEAD_MS, TAIL_MS } from "./pace.js";
import type { Speaker, TimedText } from "./speaker.js";
import type { Storyboard } from "./storyboard.js";
import type { VoiceId } from "./voices.js";
import { type SpokenWord, timeWords } from "./word-times.js";

/** A word of the whole speech. */
export interface SceneWord extends SpokenWord {
  /** Zero-based index of its scene. */
  readonly scene: number;
  /** Zero-based index of its line in the whole speech: captions are not joined across lines. */
  readonly line: number;
}

/** The whole script, spoken. Times count from the beginning of the video. */
export interface Speech {
  /** Mono, 16 bits, as long as the video. */
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly durationMs: number;
  readonly words: readonly SceneWord[];
  readonly phonemes: readonly TimedText[];
  /** Scenes left out because the time was used up. */
  readonly droppedScenes: number;
}

/** How the script is spoken. */
export interface SpeechOptions {
  readonly speaker: Speaker;
  readonly voice: VoiceId;
  readonly pace: Pace;
  readonly fps: number;
  /** No line begins after this. */
  readonly maxMs: number;
  /** Called after each scene; may wait, and may throw to stop. */
  readonly onScene: (done: number, total: number) => Promise<void>;
}

/** Speaks all scenes one after another, and pads the sound to whole frames. */
export async function speakStoryboard(
  storyboard: Storyboard,
  options: SpeechOptions,
): Promise<Speech> {
  const { speaker, pace, maxMs } = options;
  const msOf = (samples: number): number => (samples / speaker.sampleRate) * 1000;
  const samplesOf = (ms: number): number => Math.round((ms / 1000) * speaker.sampleRate);
  const parts: { at: number; samples: Int16Array }[] = [];
  const words: SceneWord[] = [];
  const phonemes: TimedText[] = [];
  let length = samplesOf(LEAD_MS);
  let line = 0;
  let spokenScenes = 0;

  for (const [scene, { lines }] of storyboard.scenes.entries()) {
    if (msOf(length) >= maxMs) break;
    for (const text of lines) {
      const startMs = msOf(length);
      if (startMs >= maxMs) break;
      const said = speaker.speak(text, {
        voice: options.voice,
        rate: pace.rate,
        maxMs: maxMs - startMs,
      });
      const saidMs = msOf(said.samples.length);
      parts.push({ at: length, samples: said.samples });
      for (const word of timeWords(text, said.words, saidMs)) {
        words.push({
          ...word,
          startMs: startMs + word.startMs,
          endMs: startMs + word.endMs,
          scene,
          line,
        });
      }
      for (const phoneme of said.phonemes)
        phonemes.push({ ...phoneme, atMs: startMs + phoneme.atMs });
      phonemes.push({ atMs: startMs + saidMs, text: "" });
      length += said.samples.length + samplesOf(pace.lineGapMs);
      line += 1;
    }
    length += samplesOf(pace.sceneGapMs - pace.lineGapMs);
    spokenScenes += 1;
    await options.onScene(spokenScenes, storyboard.scenes.length);
  }

  const frames = Math.ceil(((msOf(length) - pace.sceneGapMs + TAIL_MS) / 1000) * options.fps);
  const samples = new Int16Array(Math.round((frames / options.fps) * speaker.sampleRate));
  for (const part of parts)
    samples.set(part.samples.subarray(0, Math.max(0, samples.length - part.at)), part.at);
  return {
    samples,
    sampleRate: speaker.sampleRate,
    durationMs: Math.round((frames / options.fps) * 1000),
    words,
    phonemes,
    droppedScenes: storyboard.scenes.length - spokenScenes,
  };
}
