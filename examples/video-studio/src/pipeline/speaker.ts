import type { VoiceId } from "./voices.js";

/** A text that begins at a time of the sound. */
export interface TimedText {
  readonly atMs: number;
  /** For a phoneme: its letters in the phonetic alphabet, or an empty string for a rest. */
  readonly text: string;
}

/** A word that begins at a time of the sound, with its position in the text. */
export interface TimedWord {
  readonly atMs: number;
  /** Zero-based, in characters. */
  readonly textIndex: number;
}

/** A spoken line. Times count from its beginning. */
interface Utterance {
  /** Mono, 16 bits. */
  readonly samples: Int16Array;
  readonly words: readonly TimedWord[];
  readonly phonemes: readonly TimedText[];
}

/** Options of {@link Speaker.speak}. */
interface SpeakOptions {
  readonly voice: VoiceId;
  /** Words per minute. */
  readonly rate: number;
  /** The sound is cut at this time. Digits and addresses can take much longer than their length suggests. */
  readonly maxMs: number;
}

/** Converts text to speech. */
export interface Speaker {
  /** In samples per second. */
  readonly sampleRate: number;
  /**
   * Speaks one line. Blocks its thread.
   *
   * @throws VideoError `unknown-voice`, or `speech-failed` if the engine returns no sound.
   */
  speak(text: string, options: SpeakOptions): Utterance;
}
