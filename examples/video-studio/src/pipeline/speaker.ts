import type { VoiceId } from "./voices.js";

/** A moment of the sound at which something begins. */
export interface TimedText {
  readonly atMs: number;
  /** For a phoneme: its letters in the phonetic alphabet, empty for a rest. */
  readonly text: string;
}

/** A word of the spoken text, by where it stands in that text. */
export interface TimedWord {
  readonly atMs: number;
  /** Zero-based, in characters. */
  readonly textIndex: number;
}

/** One line, spoken. Times count from its own beginning. */
interface Utterance {
  /** Mono, 16 bits. */
  readonly samples: Int16Array;
  readonly words: readonly TimedWord[];
  readonly phonemes: readonly TimedText[];
}

/** How a line is spoken. */
interface SpeakOptions {
  readonly voice: VoiceId;
  /** Words per minute. */
  readonly rate: number;
  /** The sound is cut there: digits and addresses can take far longer than their length lets expect. */
  readonly maxMs: number;
}

/** Turns text into sound. */
export interface Speaker {
  /** In samples per second. */
  readonly sampleRate: number;
  /**
   * Speaks one line. Blocks its thread while it does.
   *
   * @throws VideoError `unknown-voice`, or `speech-failed` if there is no sound.
   */
  speak(text: string, options: SpeakOptions): Utterance;
}
