import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { BASE } from "./odd-requests.js";
import { expectKnownAnswer, readAnswers } from "./raw-answers.js";
import type { RawRequest } from "./raw-requests.js";

/** The request of a client that goes on, and the status of its answer. */
const NEXT = `GET ${BASE}/never-created/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

/** Milliseconds without an answer after which the client ends the connection: the server may wait for more bytes. */
const PATIENCE_MS = 60;
/** Milliseconds in which the server has to close a connection that its client has ended. */
const CLOSE_MS = 4_000;

/**
 * Sends a request on a connection of its own, and checks the answers.
 *
 * @throws Error if the server answers with something else than HTTP, with an error of its own, or neither goes on nor
 * closes the connection.
 */
export async function exchange(
  port: number,
  { bytes, pieces, isWhole }: RawRequest,
): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const received: Buffer[] = [];
  socket.on("error", () => {});
  socket.on("data", (data: Buffer) => received.push(data));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  await sendInPieces(socket, bytes, pieces);
  await untilAnswered(socket, PATIENCE_MS);
  if (isWhole && isGoingOn(Buffer.concat(received))) {
    const before = Buffer.concat(received).length;
    socket.write(NEXT);
    // This one has an answer, however slow the machine is.
    await untilAnswered(socket, CLOSE_MS);
    expectNext(Buffer.concat(received).subarray(before), socket);
  }
  socket.end();
  if ((await Promise.race([closed, pause(CLOSE_MS, "late", { ref: false })])) === "late") {
    socket.destroy();
    throw new Error(`The connection is still open after ${CLOSE_MS} ms.`);
  }
  const isHead = /^\s*HEAD /.test(bytes.subarray(0, 20).toString("latin1"));
  for (const answer of readAnswers(Buffer.concat(received), isHead)) expectKnownAnswer(answer);
}

async function sendInPieces(
  socket: Socket,
  bytes: Buffer,
  pieces: readonly number[],
): Promise<void> {
  let start = 0;
  for (const length of [...pieces, bytes.length]) {
    if (start >= bytes.length) return;
    socket.write(bytes.subarray(start, start + length));
    start += length;
    await new Promise(setImmediate);
  }
}

/** Resolves after the first bytes of an answer and those that follow at once, or when none come. */
async function untilAnswered(socket: Socket, patienceMs: number): Promise<void> {
  if (socket.readableEnded || socket.closed) return;
  const signal = AbortSignal.timeout(patienceMs);
  const events = ["data", "end", "close"].map((name) => once(socket, name, { signal }));
  await Promise.race(events).catch(() => {});
  await pause(2);
}

/** Whether the answer is whole, and the server takes another request on the connection. */
function isGoingOn(received: Buffer): boolean {
  const text = received.toString("latin1");
  const [head = ""] = text.split("\r\n\r\n", 1);
  const [, length] = /\r\nContent-Length: (\d+)/i.exec(head) ?? [];
  const isWhole = length !== undefined && text.length === head.length + 4 + Number(length);
  return isWhole && !/^HTTP\/1\.1 1/.test(text) && !/\r\nConnection: close/i.test(head);
}

/** A server may close a connection when it has answered, as long as the answer is whole. */
function expectNext(answer: Buffer, socket: Socket): void {
  const isOver = socket.readableEnded || socket.destroyed;
  const text = answer.toString("latin1");
  if (!/^HTTP\/1\.1 404 /.test(text) && !(isOver && text === ""))
    throw new Error(`The next request on the connection got: ${text.slice(0, 200)}`);
}
