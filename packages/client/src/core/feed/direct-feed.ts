import type { ConnectionStatus } from "../../machine/state.js";
import type { ConnectionState } from "../connection/connection-state.js";
import { oncePerTurn } from "../once-per-turn.js";
import type { FeedReceiver, OpenFeed } from "./feed.js";
import { type ManyConnection, manyConnection } from "./many-connection.js";
import { assignTargets, emptyGroup, type TargetGroup } from "./target-groups.js";

/**
 * Opens connections to the server: one, and a further one for each 100 jobs that are watched by name and have not
 * ended (P68).
 */
export const directFeed: OpenFeed = (options, receiver) => {
  const groups: TargetGroup[] = [emptyGroup()];
  const ofOne: FeedReceiver = {
    ...receiver,
    connection: update,
    ready: tellReady,
  };
  const first = manyConnection(options, ofOne);
  const connections = [first];
  let shown = first.state;

  function inUse(): readonly ManyConnection[] {
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

  const connectLater = oncePerTurn(() => {
    for (const connection of connections) connection.connect();
    tellReady();
  });

  return {
    get connection() {
      return shown;
    },
    setTargets(targets) {
      assignTargets(groups, targets);
      for (const [index, { jobs, subjects }] of groups.entries()) {
        connections[index] ??= manyConnection(options, ofOne);
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
