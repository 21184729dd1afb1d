import { hexDigits } from "../shared/ids.js";

/**
 * Whole SSE frames. Each of the two forms is encoded when a reader needs it first. All readers share the bytes, so they
 * must not be changed.
 */
export interface Frame {
  readonly text: string;
  /** Bytes of the text in UTF-8. */
  readonly size: number;
  bytes: Uint8Array | undefined;
  chunk: Uint8Array | undefined;
}

/** Makes a frame of the text of one or more events. */
export function frameOf(text: string): Frame {
  return { text, size: byteLength(text), bytes: undefined, chunk: undefined };
}

/** The frame in UTF-8, in memory of its own: a runtime that detaches it must not take other data with it. */
export function bytesOf(frame: Frame): Uint8Array {
  frame.bytes ??= encoder.encode(frame.text);
  return frame.bytes;
}

/** The frame as one chunk of the chunked coding of HTTP/1.1. */
export function chunkOf(frame: Frame): Uint8Array {
  frame.chunk ??= encodeChunk(frame);
  return frame.chunk;
}

const encoder = new TextEncoder();

const byteLength: (text: string) => number =
  typeof Buffer === "undefined" ? (text) => encoder.encode(text).length : Buffer.byteLength;

function encodeChunk({ text, size }: Frame): Uint8Array {
  const chunk = `${hexDigits(size)}\r\n${text}\r\n`;
  if (typeof Buffer === "undefined") return encoder.encode(chunk);
  // Node writes a `Buffer` as it is, and would wrap any other array for each socket. One of ASCII is copied faster.
  return Buffer.from(chunk, size === text.length ? "latin1" : "utf8");
}
