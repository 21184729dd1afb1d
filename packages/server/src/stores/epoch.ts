/** The epoch of a new job: 96 random bits in hex, so that no cursor of an earlier job with the same id is taken for one of this (P15). */
export function newEpoch(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
