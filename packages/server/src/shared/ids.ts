/** The rule for a subject (P62), as errors tell it. */
export const SUBJECT_RULE =
  '1 to 128 letters, digits and ". _ : @ -", of which the first is a letter or digit';

/** A number as lower-case hex digits. */
export function hexDigits(value: number): string {
  return value.toString(16);
}

/** Bytes as lower-case hex digits. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => hexDigits(byte).padStart(2, "0")).join("");
}

/** Random bytes from the platform's cryptographic generator, as hex digits. */
function randomHex(bytes: number): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** A new job id: 128 random bits in hex (P2). */
export function newJobId(): string {
  return randomHex(16);
}

/**
 * The epoch of a new job: 96 random bits in hex, so that a cursor of an earlier job with the same id is never valid for
 * the new one (P15).
 */
export function newEpoch(): string {
  return randomHex(12);
}

/** The token of a new hold: 128 random bits in hex, so that no two workers have the same one. */
export function newHoldToken(): string {
  return randomHex(16);
}
