import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf, chunkOf, frameOf } from "../../src/core/frame.js";

/** Any code point. The `unit: "binary"` of fast-check takes seconds to build on a busy machine. */
const codePoint = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point));

test("given any text, the chunk has the size in hexadecimal digits, the bytes and line ends", () => {
  fc.assert(
    fc.property(fc.string({ unit: codePoint, maxLength: 300 }), (text) => {
      const frame = frameOf(text);
      const bytes = Buffer.from(bytesOf(frame));
      expect(bytes.equals(new TextEncoder().encode(text))).toBe(true);
      expect(frame.size).toBe(bytes.length);
      const head = Buffer.from(`${bytes.length.toString(16)}\r\n`);
      const chunk = Buffer.concat([head, bytes, Buffer.from("\r\n")]);
      expect(chunk.equals(chunkOf(frame))).toBe(true);
    }),
  );
});

test("given two readers, encodes each form once", () => {
  const frame = frameOf("data: ő\n\n");
  expect(bytesOf(frame)).toBe(bytesOf(frame));
  expect(chunkOf(frame)).toBe(chunkOf(frame));
});

test("given a runtime that detaches the bytes, other frames keep theirs", () => {
  const [first, second] = [frameOf("data: 1\n\n"), frameOf("data: 2\n\n")];
  const kept = bytesOf(second);
  structuredClone(null, { transfer: [bytesOf(first).buffer as ArrayBuffer] });
  expect(Buffer.from(kept).toString()).toBe("data: 2\n\n");
  expect(Buffer.from(chunkOf(first)).toString()).toBe("9\r\ndata: 1\n\n\r\n");
});
