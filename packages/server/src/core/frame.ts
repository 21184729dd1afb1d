import { hexDigits } from "../shared/ids.js";

/** The bytes of whole SSE frames. They are encoded once and shared by all readers, so they must not be changed. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** The same bytes as one chunk of the chunked coding of HTTP/1.1, for adapters that write to the socket itself. */
  readonly chunk: Uint8Array;
}

/** Encodes the text of frames as UTF-8. */
export function encodeFrame(text: string): Frame {
  const size = byteLength(text);
  const head = `${hexDigits(size)}\r\n`;
  const chunk = encode(`${head}${text}\r\n`, head.length + size + 2);
  // A plain array: the `slice` of a Buffer would not copy.
  const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset + head.length, size);
  return { bytes, chunk };
}

const encoder = new TextEncoder();

const byteLength: (text: string) => number =
  typeof Buffer === "undefined" ? (text) => encoder.encode(text).length : Buffer.byteLength;

/**
 * Node writes a `Buffer` as it is, and would wrap any other array in a new one for each socket. The memory is not that
 * of Node's pool: a runtime that detaches the buffer of a frame must not take other data with it.
 */
const encode: (text: string, size: number) => Uint8Array =
  typeof Buffer === "undefined"
    ? (text) => encoder.encode(text)
    : (text, size) => {
        const buffer = Buffer.allocUnsafeSlow(size);
        buffer.write(text);
        return buffer;
      };
