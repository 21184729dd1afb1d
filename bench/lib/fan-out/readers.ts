import { connect, type Socket } from "node:net";
import { now } from "../clock.js";

/** One stream, read from a raw socket. It only counts what arrives, because a parser would cost more than a server. */
export interface Reader {
  readonly socket: Socket;
  /** Frames that arrived, with those that the server sends on its own. */
  frames: number;
  bytes: number;
}

/** How a stream is read. */
export interface ReaderOptions {
  readonly port: number;
  readonly path: string;
  /** Called with each event. Without it, frames are only counted, which is cheaper. */
  readonly onEvent?: ((seq: number, madeAt: number) => void) | undefined;
  /** Called with the head of the response and all that came with it. */
  readonly onOpen: (reader: Reader) => void;
  /** Called if the connection ends, whatever the reason. */
  readonly onClose?: ((reader: Reader) => void) | undefined;
}

const NEWLINE = 10;
const END_OF_FRAME = Buffer.from("\n\n");

/** The names of `BenchEvent`. All servers write them in this order. */
const EVENT = /"seq":(\d+),"madeAt":([\d.]+)/gu;

/** All sockets read into this buffer: its content is used before the next one reads. */
const BUFFER = Buffer.allocUnsafe(64 * 1_024);

/** Opens a stream. */
export function openReader(options: ReaderOptions): Reader {
  const { port, path, onEvent, onOpen, onClose } = options;
  let wasNewline = false;
  let rest = "";
  let isOpen = false;
  const onBytes = (size: number): boolean => {
    const bytes = BUFFER.subarray(0, size);
    reader.bytes += size;
    if (wasNewline && bytes[0] === NEWLINE) reader.frames += 1;
    wasNewline = bytes[size - 1] === NEWLINE;
    for (let at = bytes.indexOf(END_OF_FRAME); at >= 0; at = bytes.indexOf(END_OF_FRAME, at + 2))
      reader.frames += 1;
    if (onEvent !== undefined) rest = readEvents(rest + bytes.toString("latin1"), onEvent);
    if (!isOpen) {
      isOpen = true;
      checkHead(bytes, path);
      onOpen(reader);
    }
    return true;
  };
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: { buffer: BUFFER, callback: onBytes },
  });
  const reader: Reader = { socket, frames: 0, bytes: 0 };
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`,
  );
  socket.once("close", () => onClose?.(reader));
  // A refused connection is opened again by the caller, if at all.
  socket.on("error", () => {});
  return reader;
}

/** Returns the text after the last whole frame. */
function readEvents(text: string, onEvent: (seq: number, madeAt: number) => void): string {
  const end = text.lastIndexOf("\n\n");
  if (end < 0) return text;
  for (const [, seq, madeAt] of text.slice(0, end).matchAll(EVENT))
    onEvent(Number(seq), Number(madeAt));
  return text.slice(end);
}

function checkHead(bytes: Buffer, path: string): void {
  const status = bytes.toString("latin1", 9, 12);
  if (status !== "200") throw new Error(`Expected a stream at ${path}, got ${status}.`);
}

/** Ends a stream by a reset, so that its port is free at once. */
export function closeReader({ socket }: Reader): void {
  socket.resetAndDestroy();
}

/** Many streams, of which every {@link SAMPLED}th one is read in full. */
export interface Readers {
  readonly all: readonly Reader[];
  /** Milliseconds from an event to its arrival, of the sample. It may be emptied. */
  readonly latenciesMs: number[];
  /** Events of the sample that did not arrive one by one. Our server merges them for a reader that is slow. */
  missed(): number;
  frames(): number;
  close(): void;
}

const SAMPLED = 8;

/** Opens `count` streams, `atOnce` of which are being opened at any time. Resolves when all are open. */
export async function openReaders(
  port: number,
  pathAt: (index: number) => string,
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
): Promise<Readers> {
  const all: Reader[] = [];
  const latenciesMs: number[] = [];
  let missed = 0;
  await new Promise<void>((resolve, reject) => {
    let open = 0;
    const openNext = (): void => {
      const index = all.length;
      if (index === count) return;
      let last = 0;
      const onEvent = (seq: number, madeAt: number): void => {
        if (last > 0) missed += seq - last - 1;
        last = seq;
        latenciesMs.push(now() - madeAt);
      };
      const onOpen = (): void => {
        open += 1;
        if (open === count) resolve();
        else openNext();
      };
      const isSampled = index % SAMPLED === 0;
      all.push(
        openReader({
          port,
          path: pathAt(index),
          onOpen,
          onClose: () => reject(new Error("A stream was closed while others were opened.")),
          ...(isSampled && { onEvent }),
        }),
      );
    };
    for (let index = 0; index < atOnce; index += 1) openNext();
  });
  return {
    all,
    latenciesMs,
    missed: () => missed,
    frames: () => all.reduce((sum, { frames }) => sum + frames, 0),
    close: () => all.forEach(closeReader),
  };
}
