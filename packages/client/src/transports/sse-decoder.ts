import { createParser, type EventSourceMessage } from "eventsource-parser";

/** Decodes the next bytes of the stream. @throws if a frame exceeds 64 Mi characters. */
export type Decode = (bytes: Uint8Array) => void;

/** Bounds the memory that a frame without an end can take. */
const MAX_FRAME_LENGTH = 2 ** 26;

/**
 * Decodes the bytes of one stream, split at any position, into events.
 *
 * @param onRetry - Receives the value of each `retry:` field, in milliseconds.
 */
export function sseDecoder(
  onEvent: (message: EventSourceMessage) => void,
  onRetry: (retryMs: number) => void,
): Decode {
  const parser = createParser({
    onEvent,
    onRetry,
    maxBufferSize: MAX_FRAME_LENGTH,
  });
  // [spec] "one leading U+FEFF BYTE ORDER MARK character must be ignored": the TextDecoder ignores exactly one. This
  // first line keeps the parser from removing another.
  parser.feed(":\n");
  const decoder = new TextDecoder();
  let afterCr = false;
  return (bytes) => {
    let text = decoder.decode(bytes, { stream: true });
    if (text === "") return;
    // [spec] A CR ends its line whether or not an LF follows. The parser would wait for the next bytes to decide.
    if (afterCr && text.startsWith("\n")) text = text.slice(1);
    afterCr = text.endsWith("\r");
    parser.feed(afterCr ? `${text}\n` : text);
  };
}
