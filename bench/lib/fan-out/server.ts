import { pinnedTo, SERVER_CORE } from "../cores.js";
import { type Program, startProgram } from "../processes.js";
import type { Load } from "./publisher.js";

/** Our adapters, two loops written by hand, and the peers. */
export type ContenderName =
  | "plain"
  | "socket"
  | "node"
  | "express"
  | "fastify"
  | "fetch"
  | "better-sse"
  | "@fastify/sse";

/** The argument of the program `fan-out-server`. */
export interface ServerOptions {
  readonly contender: ContenderName;
  readonly topics: number;
  /** The folder in which the peers are installed. */
  readonly peers?: string | undefined;
}

/** A message to the program `fan-out-server`. */
export interface Question {
  readonly id: number;
  readonly start?: Load;
  /** Events to publish in one topic, whether or not it has readers. The answer comes when all are published. */
  readonly history?: { readonly topic: number; readonly count: number };
  readonly stop?: boolean;
  /** The topic for which our server creates a job. */
  readonly create?: number;
  /** The topic whose job our server removes. */
  readonly remove?: number;
  readonly gc?: boolean;
}

/** The state of the server after it did as it was asked. */
export interface Answer {
  readonly id: number;
  /** The time that the process has used, in the kernel too, in microseconds. */
  readonly cpuUs: number;
  /** Events published so far. */
  readonly sent: number;
  readonly rss: number;
  readonly sockets: number;
  /** Of the socket that has most queued in the process. */
  readonly maxQueuedBytes: number;
}

/** A server in a process of its own, on a core of its own. */
export interface BenchServer {
  readonly port: number;
  ask(question?: Omit<Question, "id">): Promise<Answer>;
  end(): Promise<void>;
}

/** Starts a server, and resolves when it listens. */
export async function startServer(options: ServerOptions): Promise<BenchServer> {
  const program: Program = startProgram("fan-out-server", options, pinnedTo(SERVER_CORE));
  const { port } = await program.next<{ port: number }>((message) => message.port !== undefined);
  let id = 0;
  return {
    port,
    ask(question = {}) {
      id += 1;
      const own = id;
      const answer = program.next<Answer>((message) => message.id === own);
      program.child.send({ ...question, id });
      return answer;
    },
    end: () => program.end(),
  };
}
