import type { ConnectEffect } from "../../machine/effects.js";
import { type ManyReceiver, manyReader } from "../../transports/many-reader.js";
import type { AnswerReader } from "../../transports/transport.js";
import {
  type ConnectionState,
  connectionState,
  isSameState,
} from "../connection/connection-state.js";
import { machineDriver } from "../connection/machine-driver.js";
import type { RequestContent } from "../connection/request-effects.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { FeedReceiver, FeedTargets } from "./feed.js";
import { covers, dropUnwanted, type ManyRequest, manyRequest } from "./many-request.js";
import { targetsQuery } from "./targets-query.js";

/** A connection for as many targets as one request can have. */
export interface ManyConnection {
  readonly state: ConnectionState;
  /** Whether everything that the targets ask for has arrived once. */
  readonly isReady: boolean;
  /** Replaces the targets. {@link ManyConnection.connect} lets them apply. */
  setTargets(targets: FeedTargets): void;
  /** Opens, replaces or closes the connection, as the targets demand. */
  connect(): void;
  /** Checks the connection at once. A closed one becomes idle. */
  refresh(): void;
  /** Closes for good. */
  close(): void;
}

const NO_TARGETS: FeedTargets = { jobs: [], subjects: [], limit: 1 };

/** Makes a connection that is idle. */
export function manyConnection(
  options: ResolvedWatchOptions,
  receiver: FeedReceiver,
): ManyConnection {
  const driver = machineDriver(options, {
    contentOf,
    onServerTime: receiver.serverTime,
    onStep,
  });
  /** The requests that are open, by the numbers of the machine. */
  const requests = new Map<number | undefined, ManyRequest>();
  /** The newest request but for probes. It alone tells lists and refusals, so that no older ones replace them. */
  let newest: ManyRequest | undefined;
  let targets = NO_TARGETS;
  let state = connectionState(driver.state);

  function contentOf({ connection, holdMs }: ConnectEffect): RequestContent {
    // A probe only shows that streams work. Its successor carries the data.
    const isProbe = connection === driver.state.probe;
    const request = manyRequest(isProbe ? NO_TARGETS : targets, receiver);
    if (!isProbe) newest = request;
    requests.set(connection, request);
    const isNewest = (): boolean => request === newest;
    const context = { receiver, now: driver.now, isNewest, onListed: dropFromAll, onReady };
    const reader = manyReader(receiverOf(request, context));
    const { text, hasAllCursors } = targetsQuery(targets, receiver, holdMs);
    const url = `${options.baseUrl}?${text}`;
    return { url, holdMs, reader: hasAllCursors ? reader : withoutNews(reader) };
  }

  function onReady(): void {
    if (isReady()) receiver.ready();
  }

  function dropFromAll(): void {
    for (const request of requests.values()) dropUnwanted(request, targets, receiver);
  }

  function isReady(): boolean {
    return newest?.isReady === true && covers(newest, targets);
  }

  function onStep(): void {
    const { current, probe, successor } = driver.state;
    for (const connection of requests.keys())
      if (![current, probe, successor].includes(connection)) requests.delete(connection);
    const next = connectionState(driver.state);
    if (!isSameState(next, state)) {
      state = next;
      receiver.connection(state);
    }
    if (current && !successor && !covers(requests.get(current), targets))
      driver.dispatch({ kind: "retarget" });
  }

  return {
    get state() {
      return state;
    },
    get isReady() {
      return isReady();
    },
    setTargets(next) {
      targets = next;
      dropFromAll();
    },
    connect() {
      if (targets.jobs.length + targets.subjects.length === 0) driver.dispatch({ kind: "leave" });
      else if (state.status === "idle") driver.dispatch({ kind: "start" });
      else if (!covers(newest, targets)) driver.dispatch({ kind: "retarget" });
    },
    refresh() {
      if (state.status === "closed") driver.reset();
      else driver.check();
    },
    close: () => driver.dispatch({ kind: "close" }),
  };
}

/** The surroundings of one request. */
interface ManyRequestContext {
  readonly receiver: FeedReceiver;
  /** The server's time, in milliseconds since the epoch. */
  now(): number;
  isNewest(): boolean;
  onListed(): void;
  onReady(): void;
}

/** Passes on what one request brings, as far as it may. */
function receiverOf(
  request: ManyRequest,
  { receiver, now, isNewest, onListed, onReady }: ManyRequestContext,
): ManyReceiver {
  return {
    delta(delta) {
      if (!request.carried.has(delta.job)) return false;
      const applied = receiver.receive(delta, now());
      return applied === "unknown-epoch" ? undefined : applied !== "known";
    },
    listed(listed) {
      if (!isNewest()) return false;
      receiver.listed(listed);
      for (const jobId of listed.jobs) request.carried.add(jobId);
      onListed();
      return true;
    },
    refused(refused) {
      if (!isNewest()) return false;
      receiver.refused(refused);
      return true;
    },
    ready() {
      request.isReady = true;
      onReady();
    },
  };
}

/** Answers that repeat whole states would look like news, so that the next poll follows at once. */
function withoutNews(reader: AnswerReader): AnswerReader {
  return { ...reader, readPoll: (data) => reader.readPoll(data) && false };
}
