import http2 from "node:http2";
import { connect } from "node:net";
import { bytesOf, type OddRequest, oddRequest } from "./odd-requests.js";
import type { Random } from "./random.js";

/** Sends odd requests over a connection of its own, and leaves in an odd way. Resolves when it is closed. */
export function visitOddly(port: number, random: Random): Promise<void> {
  const count = random.chance(0.2) ? 1 + random.below(60) : 1;
  const bytes = Buffer.concat(Array.from({ length: count }, () => bytesOf(oddRequest(random))));
  const sent = random.chance(0.2) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const leave = setTimeout(() => socket.destroy(), random.pick([0, 5, 20, 100, 400]));
    // Some clients read nothing.
    if (random.chance(0.8)) socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(leave);
      resolve();
    });
    socket.on("connect", () => sendIn(socket, sent, random));
  });
}

/** Sends bytes in pieces, and then perhaps the end of the connection. */
function sendIn(socket: ReturnType<typeof connect>, bytes: Buffer, random: Random): void {
  const cut = random.chance(0.3) ? random.below(bytes.length + 1) : bytes.length;
  socket.write(bytes.subarray(0, cut));
  setImmediate(() => {
    if (socket.destroyed) return;
    if (cut < bytes.length) socket.write(bytes.subarray(cut));
    // A socket that was ended can't be reset any more.
    if (random.chance(0.1)) socket.end();
    else if (random.chance(0.05)) socket.resetAndDestroy();
  });
}

/** The same over HTTP/2, with several streams. Some of them are reset. */
export function visitOddlyOverHttp2(port: number, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    session.on("close", () => {
      clearTimeout(leave);
      resolve();
    });
    const leave = setTimeout(() => session.destroy(), random.pick([5, 20, 100, 400]));
    const count = 1 + random.below(40);
    for (let n = 0; n < count && !session.destroyed; n += 1)
      openStream(session, oddRequest(random), random);
  });
}

function openStream(session: http2.ClientHttp2Session, request: OddRequest, random: Random): void {
  try {
    const stream = session.request(headersOf(request), { endStream: random.chance(0.9) });
    stream.on("error", () => {});
    if (random.chance(0.8)) stream.resume();
    if (random.chance(0.3)) setImmediate(() => stream.close(http2.constants.NGHTTP2_CANCEL));
  } catch {
    // The client of Node refuses some of the headers.
  }
}

function headersOf({ method, path, headers }: OddRequest): http2.OutgoingHttpHeaders {
  const allowed = headers.filter(([name]) => !NOT_IN_HTTP2.has(name));
  return { ":method": method, ":path": path, ...Object.fromEntries(allowed) };
}

const NOT_IN_HTTP2 = new Set([
  "connection",
  "upgrade",
  "transfer-encoding",
  "bad header",
  "content-length",
]);
