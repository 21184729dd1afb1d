import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { BenchEvent } from "./event.js";

/** A server that sends the events of a topic to all who have a stream of it. */
export interface Contender {
  readonly server: Server;
  /** Does as a user of the library does who sends one event. */
  publish(topic: number, event: BenchEvent): unknown;
  /** Whether a socket has so much queued that the next event should wait. */
  isFull(queuedBytes: number): boolean;
  /** Ends the server's streams and its timers. */
  close(): Promise<void>;
}

/** Where the streams of all servers are. */
export const BASE = "/progress";

/** Whose jobs all topics are. */
export const SUBJECT = "user:1";

/** The job of a topic. Its id is as long as one that our server makes. */
export function jobIdOf(topic: number): string {
  return `job-${String(topic).padStart(28, "0")}`;
}

/** The path of the stream of a topic. */
export function pathOf(topic: number): string {
  return `${BASE}/${jobIdOf(topic)}`;
}

/** The path of the list of all topics, of which the newest are followed. */
export function pathOfList(limit: number): string {
  return `${BASE}?subject=${SUBJECT}&limit=${limit}`;
}

/** The topic in a path. */
export function topicOf(path = ""): number {
  return Number(path.slice(path.lastIndexOf("-") + 1));
}

/** The bound of the queue of a socket, for servers that write to it whether or not it is full. */
export function isOver256KiB(queuedBytes: number): boolean {
  return queuedBytes > 256 * 1_024;
}

/** A longer queue than Node's default, because many readers connect at once. The kernel may allow less. */
const BACKLOG = 4_096;

/** Listens on a free port, which it returns. */
export async function listen(server: Server): Promise<number> {
  // A stream is one long request.
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", BACKLOG, resolve));
  return (server.address() as AddressInfo).port;
}

/** The readers of each topic. */
export function readersByTopic<Reader>(): {
  /** Returns a function that removes the reader. */
  add(topic: number, reader: Reader): () => void;
  of(topic: number): Iterable<Reader>;
} {
  const topics = new Map<number, Set<Reader>>();
  return {
    add(topic, reader) {
      const readers = topics.get(topic) ?? new Set();
      topics.set(topic, readers.add(reader));
      return () => readers.delete(reader);
    },
    of: (topic) => topics.get(topic) ?? [],
  };
}
