import { LEAD_MS, type Pace, videoLengthMs } from "./pace.js";
import type { Speaker, TimedText } from "./speaker.js";
import type { Storyboard } from "./storyboard.js";
import type { VoiceId } from "./voices.js";
import { type SpokenWord, timeWords } from "./word-times.js";

/** A word of the whole speech. */
export interface SceneWord extends SpokenWord {
  /** Index of its scene, from 0. */
  readonly scene: number;
  /** Index of its line in the whole speech, from 0. A caption never joins words of two lines. */
  readonly line: number;
}

/** The spoken script. Times count from the beginning of the video. */
export interface Speech {
  /** Mono, 16 bits, as long as the video. */
  readonly samples: Int16Array;
  readonly sampleRate: number;
  /** In whole seconds. */
  readonly durationMs: number;
  readonly words: readonly SceneWord[];
  readonly phonemes: readonly TimedText[];
  /** The number of scenes that were left out because the time was used up. */
  readonly droppedScenes: number;
}

/** Options of {@link speakStoryboard}. */
export interface SpeechOptions {
  readonly speaker: Speaker;
  readonly voice: VoiceId;
  readonly pace: Pace;
  readonly requestedSeconds: number;
  /** No line begins after this time. */
  readonly maxMs: number;
  /** Called after each scene. The speech goes on when the promise resolves, and stops if it rejects. */
  readonly onScene: (done: number, total: number) => Promise<void>;
}

/** The speech so far. */
interface Recording {
  readonly parts: { readonly offset: number; readonly samples: Int16Array }[];
  readonly words: SceneWord[];
  readonly phonemes: TimedText[];
  /** Samples, with the rest after the last line. */
  length: number;
  lines: number;
}

/** Speaks all scenes one after another, and pads the sound to the length of the video, in whole seconds. */
export async function speakStoryboard(
  storyboard: Storyboard,
  options: SpeechOptions,
): Promise<Speech> {
  const { speaker, pace, maxMs } = options;
  const recording: Recording = {
    parts: [],
    words: [],
    phonemes: [],
    length: samplesIn(LEAD_MS, speaker),
    lines: 0,
  };
  let spokenScenes = 0;
  for (const [scene, { lines }] of storyboard.scenes.entries()) {
    if (msOf(recording.length, speaker) >= maxMs) break;
    for (const text of lines) {
      if (msOf(recording.length, speaker) >= maxMs) break;
      speakLine(recording, text, scene, options);
    }
    recording.length += samplesIn(pace.sceneGapMs - pace.lineGapMs, speaker);
    spokenScenes += 1;
    await options.onScene(spokenScenes, storyboard.scenes.length);
  }

  const spokenMs = msOf(recording.length, speaker) - pace.sceneGapMs;
  const durationMs = videoLengthMs(spokenMs, options.requestedSeconds);
  return {
    samples: joinParts(recording, samplesIn(durationMs, speaker)),
    sampleRate: speaker.sampleRate,
    durationMs,
    words: recording.words,
    phonemes: recording.phonemes,
    droppedScenes: storyboard.scenes.length - spokenScenes,
  };
}

function speakLine(
  recording: Recording,
  text: string,
  scene: number,
  { speaker, voice, pace, maxMs }: SpeechOptions,
): void {
  const startMs = msOf(recording.length, speaker);
  const spoken = speaker.speak(text, { voice, rate: pace.rate, maxMs: maxMs - startMs });
  const spokenMs = msOf(spoken.samples.length, speaker);
  const line = recording.lines;
  recording.parts.push({ offset: recording.length, samples: spoken.samples });
  for (const word of timeWords(text, spoken.words, spokenMs)) {
    const times = { startMs: startMs + word.startMs, endMs: startMs + word.endMs };
    recording.words.push({ ...word, ...times, scene, line });
  }
  for (const phoneme of spoken.phonemes)
    recording.phonemes.push({ ...phoneme, atMs: startMs + phoneme.atMs });
  recording.phonemes.push({ atMs: startMs + spokenMs, text: "" });
  recording.length += spoken.samples.length + samplesIn(pace.lineGapMs, speaker);
  recording.lines += 1;
}

function joinParts({ parts }: Recording, length: number): Int16Array {
  const all = new Int16Array(length);
  for (const { offset, samples } of parts)
    all.set(samples.subarray(0, Math.max(0, length - offset)), offset);
  return all;
}

function msOf(samples: number, { sampleRate }: Speaker): number {
  return (samples / sampleRate) * 1000;
}

function samplesIn(ms: number, { sampleRate }: Speaker): number {
  return Math.round((ms / 1000) * sampleRate);
}
