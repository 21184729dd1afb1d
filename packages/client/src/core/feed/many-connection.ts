import type { ConnectEffect } from "../../machine/effects.js";
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
import { openRequests } from "./open-requests.js";
import type { TargetCounts } from "./target-groups.js";
import { targetsQuery } from "./targets-query.js";

/** A connection for as many targets as one request can have. */
export interface ManyConnection {
  readonly state: ConnectionState;
  /** Whether everything that the targets ask for has arrived once. */
  readonly isReady: boolean;
  /** The number of targets of the newest request. */
  readonly asked: TargetCounts;
  /** Replaces the targets. {@link ManyConnection.connect} lets them apply. */
  setTargets(targets: FeedTargets): void;
  /** Opens, replaces or closes the connection, as the targets demand. */
  connect(): void;
  /** Checks the connection at once. A closed one becomes idle. */
  refresh(): void;
  /** Closes for good. */
  close(): void;
}

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
  const requests = openRequests(receiver, driver.now);
  let state = connectionState(driver.state);
  let asked: TargetCounts = { jobs: 0, subjects: 0 };

  function contentOf({ connection, holdMs }: ConnectEffect): RequestContent {
    const isProbe = connection === driver.state.probe;
    const { jobs, subjects } = requests.targets;
    asked = { jobs: jobs.length, subjects: subjects.length };
    const { text, cursors, hasAllCursors } = targetsQuery(requests.targets, receiver, holdMs);
    const reader = requests.begin(connection, { isProbe, cursors });
    const url = `${options.baseUrl}?${text}`;
    return { url, holdMs, reader: hasAllCursors ? reader : withoutNews(reader) };
  }

  function onStep(): void {
    const { current, probe, successor } = driver.state;
    requests.keep([current, probe, successor]);
    const next = connectionState(driver.state);
    if (!isSameState(next, state)) {
      state = next;
      receiver.connection(state);
    }
    if (current && !successor && !requests.hasAllTargets(current))
      driver.dispatch({ kind: "retarget" });
  }

  return {
    get state() {
      return state;
    },
    get isReady() {
      return requests.isReady();
    },
    get asked() {
      return asked;
    },
    setTargets: requests.setTargets,
    connect() {
      const { jobs, subjects } = requests.targets;
      if (jobs.length + subjects.length === 0) driver.dispatch({ kind: "leave" });
      else if (state.status === "idle") driver.dispatch({ kind: "start" });
      else if (!requests.hasAllTargets()) driver.dispatch({ kind: "retarget" });
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
