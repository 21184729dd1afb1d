import type { Applied, Cursor, JobDelta } from "@emlinh/progress-protocol";
import { type ManyReceiver, manyReader } from "../../transports/many-reader.js";
import type { AnswerReader } from "../../transports/transport.js";
import { isOvertaken } from "../connection/overtaken.js";
import type { FeedReceiver, FeedTargets } from "./feed.js";
import { covers, dropUnwanted, type ManyRequest, manyRequest } from "./many-request.js";

/** The requests of one connection that are open, and the targets that they serve. */
export interface OpenRequests {
  readonly targets: FeedTargets;
  /** Whether everything that the targets ask for has arrived once. */
  isReady(): boolean;
  /** Replaces the targets. Open requests drop the deltas of jobs that are not wanted any more. */
  setTargets(targets: FeedTargets): void;
  /**
   * Begins a request for the targets, and makes the reader of its answer.
   *
   * @param connection - The number that the machine gave to the request.
   */
  begin(connection: number, asked: AskedRequest): AnswerReader;
  /** Forgets all other requests. */
  keep(connections: readonly (number | undefined)[]): void;
  /** Whether a request asks for all targets. @defaultValue the newest one */
  hasAllTargets(connection?: number): boolean;
}

/** How a request asks for the targets. */
interface AskedRequest {
  /** A probe only shows that streams work. Its successor carries the data. */
  readonly isProbe: boolean;
  /** The cursors that it asks with, by job. */
  readonly cursors: Map<string, Cursor>;
}

const NO_TARGETS: FeedTargets = { jobs: [], subjects: [], limit: 1 };

/**
 * Makes the requests of a connection that has no targets yet.
 *
 * @param now - The server's time, in milliseconds since the epoch.
 */
export function openRequests(receiver: FeedReceiver, now: () => number): OpenRequests {
  const requests = new Map<number, ManyRequest>();
  /** The newest request but for probes. It alone tells lists and refusals, so that no older ones replace them. */
  let newest: ManyRequest | undefined;
  let targets = NO_TARGETS;

  function dropFromAll(): void {
    for (const request of requests.values()) dropUnwanted(request, targets, receiver);
  }

  const isReady = (): boolean => newest?.isReady === true && covers(newest, targets);

  /** Passes on what one request brings, as far as it may. */
  function receiverOf(request: ManyRequest): ManyReceiver {
    return {
      delta: (delta) =>
        isCurrent(request, delta, receiver) && isNews(receiver.receive(delta, now())),
      listed(listed) {
        if (request !== newest) return false;
        receiver.listed(listed);
        for (const jobId of listed.jobs) request.carried.add(jobId);
        dropFromAll();
        return true;
      },
      refused(refused) {
        if (request !== newest) return false;
        receiver.refused(refused);
        return true;
      },
      ready() {
        request.isReady = true;
        if (isReady()) receiver.ready();
      },
    };
  }

  return {
    get targets() {
      return targets;
    },
    isReady,
    setTargets(next) {
      targets = next;
      dropFromAll();
    },
    begin(connection, { isProbe, cursors }) {
      const request = manyRequest(isProbe ? NO_TARGETS : targets, receiver, cursors);
      if (!isProbe) newest = request;
      requests.set(connection, request);
      return manyReader(receiverOf(request));
    },
    keep(connections) {
      for (const connection of requests.keys())
        if (!connections.includes(connection)) requests.delete(connection);
    },
    hasAllTargets: (connection) =>
      covers(connection === undefined ? newest : requests.get(connection), targets),
  };
}

/** Whether a delta is of a job that the request carries, and no other request has brought a later state. */
function isCurrent(
  { carried, told }: ManyRequest,
  { job, delta }: JobDelta,
  { cursorOf }: FeedReceiver,
): boolean {
  const before = told.get(job);
  told.set(job, delta.cursor);
  return carried.has(job) && !isOvertaken(delta, cursorOf(job), before);
}

/** `undefined` for a delta that cannot be applied. */
function isNews(applied: Applied): boolean | undefined {
  return applied === "unknown-epoch" ? undefined : applied !== "known";
}
