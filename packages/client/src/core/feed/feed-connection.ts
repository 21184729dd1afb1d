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
import { feedQuery } from "./feed-query.js";

/** A connection for as many targets as one request can have. */
export interface FeedConnection {
  readonly state: ConnectionState;
  /** Whether everything that the targets ask for has arrived once. */
  readonly isReady: boolean;
  /** Replaces the targets. {@link FeedConnection.connect} lets them apply. */
  setTargets(targets: FeedTargets): void;
  /** Opens, replaces or closes the connection, as the targets demand. */
  connect(): void;
  /** Checks the connection at once. A closed one becomes idle. */
  refresh(): void;
  /** Closes for good. */
  close(): void;
}

/** One request, and the deltas that it may bring. */
interface FeedRequest {
  /** The jobs that it asked for by name, and which were wanted ever since. */
  readonly jobs: Set<string>;
  readonly subjects: ReadonlySet<string>;
  readonly limit: number;
  /**
   * The jobs whose deltas were all received since the request was sent. A delta of another job is dropped, because it
   * may follow one that was dropped.
   */
  readonly carried: Set<string>;
  /** Whether everything that it asked for has arrived. */
  isReady: boolean;
}

/** Makes a connection that is idle. */
export function feedConnection(
  options: ResolvedWatchOptions,
  receiver: FeedReceiver,
): FeedConnection {
  const driver = machineDriver(options, {
    contentOf,
    onServerTime: receiver.serverTime,
    onStep,
  });
  /** The requests that are open, by the numbers of the machine. */
  const requests = new Map<number | undefined, FeedRequest>();
  /** The newest request but for probes. It alone tells lists and refusals, so that no older ones replace them. */
  let newest: FeedRequest | undefined;
  let targets: FeedTargets = { jobs: [], subjects: [], limit: 1 };
  let state = connectionState(driver.state);

  function contentOf({ connection, holdMs }: ConnectEffect): RequestContent {
    const { text, hasAllCursors } = feedQuery(targets, receiver, holdMs);
    // A probe only shows that streams work. Its successor carries the data.
    const isProbe = connection === driver.state.probe;
    const request = isProbe
      ? requestFor({ ...targets, jobs: [], subjects: [] })
      : requestFor(targets);
    if (!isProbe) newest = request;
    requests.set(connection, request);
    const reader = manyReader(receiverOf(request));
    const url = `${options.baseUrl}?${text}`;
    return { url, holdMs, reader: hasAllCursors ? reader : withoutNews(reader) };
  }

  function requestFor({ jobs, subjects, limit }: FeedTargets): FeedRequest {
    const listed = subjects.flatMap((subject) => receiver.listOf(subject)?.jobs ?? []);
    const carried = new Set([...jobs, ...listed]);
    return { jobs: new Set(jobs), subjects: new Set(subjects), limit, carried, isReady: false };
  }

  function receiverOf(request: FeedRequest): ManyReceiver {
    return {
      delta(delta) {
        if (!request.carried.has(delta.job)) return false;
        const applied = receiver.receive(delta, driver.now());
        return applied === "unknown-epoch" ? undefined : applied !== "known";
      },
      listed(listed) {
        if (request !== newest) return false;
        receiver.listed(listed);
        for (const jobId of listed.jobs) request.carried.add(jobId);
        dropUnwanted();
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

  /** A job that is not wanted for a while may miss deltas: no open request carries it any more. */
  function dropUnwanted(): void {
    const listed = targets.subjects.flatMap((subject) => receiver.listOf(subject)?.jobs ?? []);
    const named = new Set(targets.jobs);
    const wanted = new Set([...targets.jobs, ...listed]);
    for (const { jobs, carried } of requests.values()) {
      for (const jobId of jobs) if (!named.has(jobId)) jobs.delete(jobId);
      for (const jobId of carried) if (!wanted.has(jobId)) carried.delete(jobId);
    }
  }

  function covers(request: FeedRequest | undefined): boolean {
    if (!request) return false;
    const { jobs, subjects, limit } = targets;
    if (subjects.length > 0 && request.limit !== limit) return false;
    return (
      jobs.every((jobId) => request.jobs.has(jobId)) &&
      subjects.every((subject) => request.subjects.has(subject))
    );
  }

  function isReady(): boolean {
    return newest?.isReady === true && covers(newest);
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
    if (current && !successor && !covers(requests.get(current)))
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
      dropUnwanted();
    },
    connect() {
      if (targets.jobs.length + targets.subjects.length === 0) driver.dispatch({ kind: "leave" });
      else if (state.status === "idle") driver.dispatch({ kind: "start" });
      else if (!covers(newest)) driver.dispatch({ kind: "retarget" });
    },
    refresh() {
      if (state.status === "closed") driver.reset();
      else driver.check();
    },
    close: () => driver.dispatch({ kind: "close" }),
  };
}

/** Answers that repeat whole states would look like news, so that the next poll follows at once. */
function withoutNews(reader: AnswerReader): AnswerReader {
  return { ...reader, readPoll: (data) => reader.readPoll(data) && false };
}
