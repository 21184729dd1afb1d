import type { Scene } from "./storyboard.js";
import { shorten } from "./text.js";

const LABEL_CHARS = 40;
const MAX_LINE_CHARS = 160;

/** The very words of the text: each sentence a scene, a long one said in several breaths. */
export function buildTextScenes(sentences: readonly string[]): Scene[] {
  return sentences.map((sentence) => ({
    label: shorten(sentence.replace(/[.!?…,;:]+$/u, ""), LABEL_CHARS),
    lines: breathe(sentence),
  }));
}

/** Cuts at a comma near the middle until each part fits a breath; without a comma, at a gap between words. */
function breathe(sentence: string): string[] {
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
  return [...breathe(sentence.slice(0, at).trim()), ...breathe(sentence.slice(at).trim())];
}
