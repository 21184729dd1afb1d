import type { Delta } from "@emlinh/progress-protocol";

/**
 * Two deltas in a row as one, exactly as P20 defines it. The library never merges deltas: it applies them. The tests
 * check that applying two deltas has the same result as applying their merge.
 */
export function mergeDeltas(earlier: Delta, later: Delta, maxLogLines: number): Delta {
  const { cursor, done } = later;
  if (later.reset) return { ...later, log: later.log.slice(-maxLogLines) };
  const known = new Set(earlier.log.map(({ n }) => n));
  const lines = [...earlier.log, ...later.log.filter(({ n }) => !known.has(n))];
  return {
    cursor,
    done,
    reset: earlier.reset,
    set: { ...earlier.set, ...later.set },
    log: lines.sort((a, b) => a.n - b.n).slice(-maxLogLines),
  };
}
