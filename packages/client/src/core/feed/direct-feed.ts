import type { ConnectionStatus } from "../../machine/state.js";
import type { ConnectionState } from "../connection/connection-state.js";
import type { FeedReceiver, OpenFeed } from "./feed.js";
import { type FeedConnection, feedConnection } from "./feed-connection.js";
import { assignTargets, emptyGroup, type FeedGroup } from "./feed-groups.js";

/**
 * Opens connections to the server: one, and a further one for each 100 jobs that are watched by name and have not
 * ended (P68).
 */
export const directFeed: OpenFeed = (options, receiver) => {
  const groups: FeedGroup[] = [emptyGroup()];
  const ofOne: FeedReceiver = {
    ...receiver,
    connection: update,
    ready: tellReady,
  };
  const first = feedConnection(options, ofOne);
  const connections = [first];
  let shown = first.state;
  let isScheduled = false;

  function inUse(): readonly FeedConnection[] {
    const used = connections.filter(({ state }) => state.status !== "idle");
    return used.length > 0 ? used : [first];
  }

  function tellReady(): void {
    if (inUse().every(({ isReady }) => isReady)) receiver.ready();
  }

  function update(): void {
    const next = worstOf(inUse().map(({ state }) => state));
    if (next === shown) return;
    shown = next;
    receiver.connection(next);
  }

  function connectLater(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      for (const connection of connections) connection.connect();
      tellReady();
    });
  }

  return {
    get connection() {
      return shown;
    },
    setTargets(targets) {
      assignTargets(groups, targets);
      for (const [index, { jobs, subjects }] of groups.entries()) {
        connections[index] ??= feedConnection(options, ofOne);
        connections[index].setTargets({
          jobs: [...jobs],
          subjects: [...subjects],
          limit: targets.limit,
        });
      }
      connectLater();
    },
    refresh() {
      for (const connection of connections) connection.refresh();
      connectLater();
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
};

/** The first status that one of several connections has is shown. */
const WORST_FIRST: readonly ConnectionStatus[] = [
  "closed",
  "offline",
  "waiting",
  "suspect",
  "connecting",
  "paused",
  "polling",
  "live",
  "idle",
];

function worstOf(states: readonly ConnectionState[]): ConnectionState {
  const rank = ({ status }: ConnectionState): number => WORST_FIRST.indexOf(status);
  return states.reduce((worst, state) => (rank(state) < rank(worst) ? state : worst));
}
