import type { Scene } from "./storyboard.js";
import { asTitle, shorten } from "./text.js";

const LABEL_CHARS = 40;
const MAX_LINE_CHARS = 160;

/** Makes each sentence of a text a scene. A long sentence becomes several lines. */
export function buildTextScenes(sentences: readonly string[]): Scene[] {
  return sentences.map((sentence) => ({
    label: shorten(asTitle(sentence), LABEL_CHARS),
    lines: splitLong(sentence),
  }));
}

/** Splits a long sentence at a comma near its middle, or between two words, until each part is short enough. */
function splitLong(sentence: string): string[] {
  if (sentence.length <= MAX_LINE_CHARS) return [sentence];
  const gaps = [...sentence.matchAll(/[,;:–—]\s/gu), ...sentence.matchAll(/\s/gu)].map(
    (gap) => gap.index + gap[0].length,
  );
  const middle = sentence.length / 2;
  const inner = gaps.filter((at) => at > sentence.length / 4 && at < (sentence.length * 3) / 4);
  const isComma = (at: number): boolean => /[,;:–—]\s$/u.test(sentence.slice(0, at));
  const commas = inner.filter(isComma);
  const [cut] = (commas.length > 0 ? commas : inner).sort(
    (a, b) => Math.abs(a - middle) - Math.abs(b - middle),
  );
  const at = cut ?? Math.floor(middle);
  return [...splitLong(sentence.slice(0, at).trim()), ...splitLong(sentence.slice(at).trim())];
}
