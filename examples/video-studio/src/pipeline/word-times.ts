import type { TimedWord } from "./speaker.js";

/** A written word and the time at which it is spoken, in milliseconds. */
export interface SpokenWord {
  readonly text: string;
  readonly startMs: number;
  /** Exclusive: where the next word begins. */
  readonly endMs: number;
}

/**
 * Returns the time of each written word of a line. Captions show the written words, but the engine's words differ: it
 * speaks a number as several words, and may join two words. A written word begins with the first spoken word inside it.
 * Words without a spoken one share the time between their neighbours.
 */
export function timeWords(
  line: string,
  spoken: readonly TimedWord[],
  durationMs: number,
): SpokenWord[] {
  const written = [...line.matchAll(/\S+/gu)].map((match) => ({
    text: match[0],
    from: match.index,
    to: match.index + match[0].length,
  }));
  const known = written.map(
    ({ from, to }) => spoken.find((word) => word.textIndex >= from && word.textIndex < to)?.atMs,
  );
  const starts = fillGaps(known, durationMs);
  return written.map(({ text }, n) => ({
    text,
    startMs: starts[n] ?? durationMs,
    endMs: starts[n + 1] ?? durationMs,
  }));
}

function fillGaps(known: readonly (number | undefined)[], durationMs: number): number[] {
  const starts: number[] = [];
  for (const [n, own] of known.entries()) {
    const before = starts[n - 1] ?? 0;
    starts.push(
      own === undefined ? sharedStart(known, n, before, durationMs) : Math.max(own, before),
    );
  }
  return starts;
}

/** The start of a word without a spoken one: the time until the next known start is divided evenly. */
function sharedStart(
  known: readonly (number | undefined)[],
  n: number,
  before: number,
  durationMs: number,
): number {
  if (n === 0) return 0;
  const next = known.findIndex((at, m) => m > n && at !== undefined);
  const until = known[next] ?? durationMs;
  const steps = (next < 0 ? known.length : next) - n + 1;
  return before + Math.max(0, until - before) / steps;
}
