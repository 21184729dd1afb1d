import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { NodeResponse } from "./node-exchange.js";
import { hasOwnWrite } from "./write-stream.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** Returns the bytes to put into a body for a frame. `chunk` is the same frame as one chunk of HTTP/1.1. */
export type PieceOf = (bytes: Uint8Array, chunk?: Uint8Array) => Bytes;

/** Copies each frame: all subscribers share its bytes, and a reader may detach the buffer of those that it gets. */
export const copyOf: PieceOf = (bytes) => bytes.slice();

/**
 * The pieces of a body that a runtime reads and passes to the `write` of a response of Node. That `write` makes four
 * buffers of each piece. The one that replaces it here writes the chunk of the frame to the socket instead, if it gets
 * the very object that was put into the body last. If the app transforms the body, other objects arrive, and are
 * written as before.
 *
 * A piece that arrives like that was not detached on its way, so the next one is not copied.
 */
export function piecesFor(res: NodeResponse | undefined): PieceOf {
  if (!res || "stream" in res || !hasOwnWrite(res)) return copyOf;
  const write = res.write as (this: ServerResponse, ...args: readonly unknown[]) => boolean;
  let last: Uint8Array | undefined;
  let lastChunk: Uint8Array | undefined;
  let hasArrived = false;
  let hasBegun = false;

  res.write = function (this: ServerResponse, piece: unknown, ...rest: readonly unknown[]) {
    hasArrived = piece === last;
    const chunk = hasArrived && hasBegun ? lastChunk : undefined;
    // The first piece takes the head of the response along.
    hasBegun = true;
    const socket = chunk && rest.length === 0 && socketWithRoom(this, chunk);
    return socket ? socket.write(chunk) : write.call(this, piece, ...rest);
  };

  return (bytes, chunk) => {
    last = hasArrived ? bytes : copyOf(bytes);
    lastChunk = chunk;
    hasArrived = false;
    return last as Bytes;
  };
}

/** The socket of a response with a chunked body. A piece that fills it has to come by `write`, which reports `drain`. */
function socketWithRoom(res: ServerResponse, { length }: Uint8Array): Socket | undefined {
  const { socket } = res;
  if (!socket || !res.chunkedEncoding || res.writableEnded || res.destroyed) return undefined;
  return socket.writableLength + length < socket.writableHighWaterMark ? socket : undefined;
}
