import http, { type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Contender, isOver256KiB, readersByTopic, topicOf } from "./contender.js";
import { encodeEvent } from "./event.js";

const HEAD = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform" };

/** The usual loop: each event is encoded once, and Node makes a chunk of it for each response. */
export function plain(): Contender {
  const readers = readersByTopic<ServerResponse>();
  return {
    ...serve((topic, res) => readers.add(topic, res)),
    publish(topic, event) {
      const bytes = encodeEvent(event);
      for (const res of readers.of(topic)) res.write(bytes);
    },
  };
}

/** The fastest loop with public interfaces of Node: each event is made a chunk once, and written to the sockets. */
export function socket(): Contender {
  const readers = readersByTopic<Socket>();
  return {
    ...serve((topic, { socket: own }) => (own === null ? () => {} : readers.add(topic, own))),
    publish(topic, event) {
      const bytes = encodeEvent(event);
      const chunk = Buffer.concat([chunkSize(bytes), bytes, Buffer.from("\r\n")]);
      for (const reader of readers.of(topic)) reader.write(chunk);
    },
  };
}

function chunkSize({ length }: Buffer): Buffer {
  return Buffer.from(`${length.toString(16)}\r\n`);
}

function serve(
  onStream: (topic: number, res: ServerResponse) => () => void,
): Omit<Contender, "publish"> {
  const server = http.createServer((req, res) => {
    res.writeHead(200, HEAD);
    res.flushHeaders();
    res.once("close", onStream(topicOf(req.url), res));
  });
  return { server, isFull: isOver256KiB, close: async () => server.closeAllConnections() };
}
