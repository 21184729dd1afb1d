import type { TimedText } from "./speaker.js";

/**
 * A mouth shape, with its letter in the lip-sync tool Rhubarb: A closed, B slightly open, C open, D wide open, E
 * slightly rounded, F puckered, G teeth on the lower lip, H tongue at the teeth, X at rest.
 */
export type MouthLetter = "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "X";

/** A mouth shape and its time. */
export interface MouthCue {
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
  readonly letter: MouthLetter;
}

/** The letter for the first sound of a phoneme. The first match counts. */
const LETTERS: readonly (readonly [sounds: RegExp, letter: MouthLetter])[] = [
  [/^[pbmɓ]/u, "A"],
  [/^[fv]/u, "G"],
  [/^[lɫɭðθ]/u, "H"],
  [/^[uwʊ]/u, "F"],
  [/^[oɔɤɒ]/u, "E"],
  [/^[aɑæʌɐ]/u, "D"],
  [/^[eɛəɜɘɚ]/u, "C"],
  [/^[ɯɨyʉrɹ]/u, "E"],
];

/** The letter of a phoneme. Other sounds, which are most consonants and the high front vowels, are nearly closed. */
export function letterOf(phoneme: string): MouthLetter {
  const sound = phoneme.replace(/\p{M}|[ˈˌːˑ-]/gu, "");
  if (sound === "") return "X";
  return LETTERS.find(([sounds]) => sounds.test(sound))?.[1] ?? "B";
}

/** Converts phonemes to cues without gaps, from 0 to `durationMs`. Adjacent cues with the same letter are merged. */
export function mouthCues(phonemes: readonly TimedText[], durationMs: number): MouthCue[] {
  const cues: MouthCue[] = [];
  const add = (startMs: number, endMs: number, letter: MouthLetter): void => {
    const last = cues.at(-1);
    if (endMs <= startMs) return;
    if (last?.letter === letter) cues[cues.length - 1] = { ...last, endMs };
    else cues.push({ startMs, endMs, letter });
  };
  add(0, Math.min(phonemes[0]?.atMs ?? durationMs, durationMs), "X");
  phonemes.forEach(({ atMs, text }, n) => {
    add(atMs, Math.min(phonemes[n + 1]?.atMs ?? durationMs, durationMs), letterOf(text));
  });
  return cues;
}
