import type { ConnectionStatus } from "../../machine/state.js";
import type { ConnectionState } from "../connection/connection-state.js";
import type { OpenFeed } from "./feed.js";
import { manyConnections } from "./many-connections.js";

/**
 * Opens connections to the server: one, and a further one for each 100 jobs that are watched by name and have not
 * ended (P68). A server that accepts fewer gets more and smaller requests.
 */
export const directFeed: OpenFeed = (options, receiver) => {
  const ofOne = { ...receiver, connection: update, ready: tellReady };
  const connections = manyConnections(options, ofOne, tellReady);
  const present = () => worstOf(connections.inUse().map(({ state }) => state));
  let shown = present();

  function tellReady(): void {
    if (connections.inUse().every(({ isReady }) => isReady)) receiver.ready();
  }

  function update(): void {
    // A request that was too large is no refusal of its targets, so nothing is shown as closed.
    if (connections.splitRefused()) return;
    const next = present();
    if (next === shown) return;
    shown = next;
    receiver.connection(next);
  }

  return {
    get connection() {
      return shown;
    },
    setTargets: connections.setTargets,
    refresh: connections.refresh,
    close: connections.close,
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
