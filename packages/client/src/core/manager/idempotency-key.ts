import { invalidOption } from "../../transports/invalid-option.js";

/**
 * The header for a key. A header holds visible ASCII only, so the other characters and `%` are percent-encoded as
 * UTF-8: `decodeURIComponent` gives the key back.
 *
 * @throws {@link ProgressError} `invalid-option`.
 */
export function keyHeader(key: unknown): string {
  try {
    if (typeof key === "string" && key) return key.replace(/[^!-$&-~]+/g, encodeURIComponent);
  } catch {
    // A half of a surrogate pair has no UTF-8.
  }
  throw invalidOption("key", key, "a string of Unicode characters that is not empty");
}

/** 128 random bits. */
export function randomKey(): string {
  const bytes = new Uint8Array(16).map(() => Math.random() * 256);
  // `crypto.randomUUID` is missing in pages that were loaded over plain HTTP, and all of `crypto` in React Native.
  globalThis.crypto?.getRandomValues(bytes);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
