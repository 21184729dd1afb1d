import { createParser, type EventSourceMessage } from "eventsource-parser";

/** What a decoder tells. */
export interface DecoderEvents {
  event(message: EventSourceMessage): void;
  /** Milliseconds. */
  retry(retryMs: number): void;
}

/**
 * Makes a decoder of one stream: bytes, cut anywhere, into events.
 *
 * @returns a function that takes the next bytes; it throws once a frame is too large.
 */
export function makeDecoder({ event, retry }: DecoderEvents): (bytes: Uint8Array) => void {
  const parser = createParser({
    onEvent: event,
    onRetry: retry,
    // A stream that never ends its frame would fill the memory.
    maxBufferSize: 2 ** 26,
  });
  // [spec] "one leading U+FEFF BYTE ORDER MARK character must be ignored": by the TextDecoder, exactly one. A first line of our own keeps
  // the parser from looking for another.
  parser.feed(":\n");
  const decoder = new TextDecoder();
  let afterCr = false;
  return (bytes) => {
    let text = decoder.decode(bytes, { stream: true });
    if (!text) return;
    // [spec] A CR ends its line whether or not an LF follows; the parser would wait for the next bytes to see.
    if (afterCr && text[0] === "\n") text = text.slice(1);
    afterCr = text.endsWith("\r");
    parser.feed(afterCr ? `${text}\n` : text);
  };
}
