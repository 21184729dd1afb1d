import { setImmediate } from "node:timers/promises";

/** Numbers per chunk: a few milliseconds of work. */
const CHUNK = 1 << 20;

/**
 * Counts the primes below a bound with a sieve. Between two chunks the event loop runs, so the server can answer
 * requests.
 *
 * @param {number} below - Exclusive.
 * @param {{ onProgress: (done: number) => void, signal: AbortSignal }} options - `onProgress` gets the count of sieved
 * numbers.
 */
export async function sievePrimes(below, { onProgress, signal }) {
  const divisors = smallPrimes(Math.floor(Math.sqrt(below)));
  let count = 0;
  for (let from = 0; from < below; from += CHUNK) {
    const to = Math.min(from + CHUNK, below);
    count += countInChunk(from, to, divisors);
    onProgress(to);
    await setImmediate(undefined, { signal });
  }
  return count;
}

/**
 * Counts the primes with another algorithm, to check the first one. It computes how many numbers each prime strikes
 * out, without listing them.
 *
 * @param {number} below - Exclusive.
 */
export function countPrimes(below) {
  const max = below - 1;
  const root = Math.floor(Math.sqrt(max));
  // The numbers from 2 to n, and from 2 to max / n, that are not struck out.
  const small = Float64Array.from({ length: root + 1 }, (_, n) => n - 1);
  const large = Float64Array.from({ length: root + 1 }, (_, n) => Math.floor(max / n) - 1);
  /** @param {number} n */
  const left = (n) => (n <= root ? small[n] : large[Math.floor(max / n)]) ?? 0;
  for (let p = 2; p <= root; p += 1) {
    const before = left(p - 1);
    if (left(p) === before) continue;
    for (let n = 1; n <= root && Math.floor(max / n) >= p * p; n += 1) {
      large[n] = (large[n] ?? 0) - left(Math.floor(Math.floor(max / n) / p)) + before;
    }
    for (let n = root; n >= p * p; n -= 1) {
      small[n] = (small[n] ?? 0) - left(Math.floor(n / p)) + before;
    }
  }
  return left(max);
}

/** @param {number} max - Inclusive. */
function smallPrimes(max) {
  const primes = [];
  const struck = new Uint8Array(max + 1);
  for (let n = 2; n <= max; n += 1) {
    if (struck[n]) continue;
    primes.push(n);
    for (let multiple = n * n; multiple <= max; multiple += n) struck[multiple] = 1;
  }
  return primes;
}

/**
 * @param {number} from
 * @param {number} to - Exclusive.
 * @param {readonly number[]} divisors - Every prime up to the root of `to`.
 */
function countInChunk(from, to, divisors) {
  const struck = new Uint8Array(to - from);
  for (const divisor of divisors) {
    const first = Math.max(divisor * divisor, Math.ceil(from / divisor) * divisor);
    for (let multiple = first; multiple < to; multiple += divisor) struck[multiple - from] = 1;
  }
  let count = 0;
  for (let n = Math.max(from, 2); n < to; n += 1) if (!struck[n - from]) count += 1;
  return count;
}
