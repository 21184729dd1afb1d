/** Random choices that a seed determines. */
export interface Random {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from 0 up to `max`, exclusive. */
  below(max: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
}

/** Starts a sequence of random choices. @param seed - A whole number. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;

  /** The generator mulberry32. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const below = (max: number): number => Math.floor(next() * max);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  };
}

/** The seed in an environment variable: a whole number, or `random` for another one in each run. 1 by default. */
export function seedOf(variable: string): number {
  const given = process.env[variable] ?? "1";
  const seed = given === "random" ? Date.now() % 2 ** 31 : Number(given);
  if (!Number.isSafeInteger(seed))
    throw new Error(`${variable} must be a whole number or "random".`);
  return seed;
}
