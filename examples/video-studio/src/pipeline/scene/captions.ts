import type { SceneWord } from "../speech.js";
import { easeOut, mix } from "./easing.js";
import { type Box, FONTS, fillRound, isolated, type Surface } from "./surface.js";
import type { Theme } from "./themes.js";

/** The layout of the captions. */
export interface CaptionLayout {
  /** The centre of the bar. */
  readonly x: number;
  readonly y: number;
  readonly maxWidth: number;
  /** Whether the words have a bar behind them. On the desk they have none. */
  readonly hasBar: boolean;
}

/** A word of a caption, with its position from the left end of its line. */
interface PlacedWord extends SceneWord {
  readonly x: number;
  readonly width: number;
}

interface CaptionLine {
  readonly words: readonly PlacedWord[];
  readonly width: number;
  readonly startMs: number;
  /** When the next line replaces it, or some time after its last word. */
  readonly endMs: number;
}

const FONT_SIZE = 35;
const PAD = 34;
const BAR_HEIGHT = 74;
const PILL_HEIGHT = 54;
const PILL_PAD = 10;
/** A line appears a little before its first word, and stays for a while after its last word. */
const AHEAD_MS = 160;
const STAY_MS = 700;
const SLIDE_MS = 110;
/** The distance in pixels by which a new line rises, and the time that it takes. */
const RISE = 10;
const RISE_MS = 180;
const SPOKEN = "#ffffff";
const UPCOMING = "rgba(255, 255, 255, 0.66)";

/** Draws the captions at a time in milliseconds. */
export type DrawCaptions = (surface: Surface, ms: number) => void;

/** Breaks the words into lines once. At each time the spoken word is highlighted. */
export function captions(
  surface: Surface,
  words: readonly SceneWord[],
  theme: Theme,
  layout: CaptionLayout,
): DrawCaptions {
  surface.font = `${FONT_SIZE}px ${FONTS.bold}`;
  const lines = breakLines(surface, words, layout.maxWidth - PAD * 2);
  return (target, ms) => {
    const line = lines.find(({ startMs, endMs }) => ms >= startMs - AHEAD_MS && ms < endMs);
    if (line) isolated(target, () => drawLine(target, line, ms, theme, layout));
  };
}

function breakLines(
  surface: Surface,
  words: readonly SceneWord[],
  maxWidth: number,
): CaptionLine[] {
  const gap = surface.measureText(" ").width * 2.1;
  const rows: PlacedWord[][] = [];
  for (const word of words) {
    const width = surface.measureText(word.text).width;
    const row = rows.at(-1);
    const last = row?.at(-1);
    const x = last ? last.x + last.width + gap : 0;
    if (row && last && last.line === word.line && x + width <= maxWidth)
      row.push({ ...word, x, width });
    else rows.push([{ ...word, x: 0, width }]);
  }
  return balance(rows, gap).map((row, n, all) => {
    const next = all[n + 1]?.[0]?.startMs ?? Infinity;
    const spokenMs = row.at(-1)?.endMs ?? 0;
    return {
      words: row,
      width: widthOf(row),
      startMs: row[0]?.startMs ?? 0,
      endMs: Math.min(spokenMs + STAY_MS, next - AHEAD_MS),
    };
  });
}

/** Balances the last two lines of a sentence, so that the last one is not a single word. */
function balance(rows: readonly PlacedWord[][], gap: number): PlacedWord[][] {
  const result = rows.map((row) => [...row]);
  for (const [n, row] of result.entries()) {
    const before = result[n - 1];
    if (!before || before[0]?.line !== row[0]?.line || result[n + 1]?.[0]?.line === row[0]?.line)
      continue;
    while (before.length > row.length + 1 && widthOf(before) > widthOf(row) * 1.3) {
      const moved = before.pop();
      if (!moved) break;
      row.unshift(moved);
      reposition(row, gap);
    }
  }
  return result;
}

function reposition(row: PlacedWord[], gap: number): void {
  let x = 0;
  for (const [n, word] of row.entries()) {
    row[n] = { ...word, x };
    x += word.width + gap;
  }
}

function widthOf(row: readonly PlacedWord[]): number {
  const last = row.at(-1);
  return last ? last.x + last.width : 0;
}

function drawLine(
  surface: Surface,
  line: CaptionLine,
  ms: number,
  theme: Theme,
  layout: CaptionLayout,
): void {
  const fit = Math.min(1, (layout.maxWidth - PAD * 2) / line.width);
  // A new line rises into place. It does not fade in, so that each word is readable in every frame.
  const rise = (1 - easeOut(ms, line.startMs - AHEAD_MS, RISE_MS)) * RISE;
  surface.translate(layout.x, layout.y + rise);
  if (layout.hasBar) {
    surface.fillStyle = theme.panel;
    const width = line.width * fit + PAD * 2;
    fillRound(surface, [-width / 2, -BAR_HEIGHT / 2, width, BAR_HEIGHT], 24);
  }
  // A single word, such as an address, may be wider than the bar.
  surface.scale(fit, fit);
  surface.translate(-line.width / 2, 0);
  surface.font = `${FONT_SIZE}px ${FONTS.bold}`;
  surface.textBaseline = "middle";
  drawWords(surface, line, ({ startMs }) => (ms >= startMs ? SPOKEN : UPCOMING));
  const pill = pillAt(line, ms);
  if (pill) isolated(surface, () => drawHighlighted(surface, line, pill, theme));
}

/** The box of the highlight. It is behind the spoken word, after it has slid there from the word before. */
function pillAt({ words }: CaptionLine, ms: number): Box | undefined {
  const index = words.findIndex((word) => ms >= word.startMs && ms < word.endMs);
  const word = words[index];
  if (!word) return undefined;
  const from = words[index - 1] ?? word;
  const share = easeOut(ms, word.startMs, SLIDE_MS);
  const x = mix(from.x, word.x, share);
  const width = mix(from.width, word.width, share);
  return [x - PILL_PAD, -PILL_HEIGHT / 2, width + PILL_PAD * 2, PILL_HEIGHT];
}

/**
 * Draws the highlight, and the words again in the colour for it. They are clipped to the highlight, so each part of a
 * letter has the colour that fits what is behind it, wherever the highlight is between two words.
 */
function drawHighlighted(surface: Surface, line: CaptionLine, pill: Box, theme: Theme): void {
  surface.fillStyle = theme.accent;
  fillRound(surface, pill, 14);
  surface.clip();
  drawWords(surface, line, () => theme.onAccent);
}

function drawWords(
  surface: Surface,
  { words }: CaptionLine,
  colourOf: (word: PlacedWord) => string,
): void {
  for (const word of words) {
    surface.fillStyle = colourOf(word);
    surface.fillText(word.text, word.x, 1);
  }
}
