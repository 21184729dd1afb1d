import { oncePerTurn } from "../once-per-turn.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { FeedReceiver, FeedTargets } from "./feed.js";
import { type ManyConnection, manyConnection } from "./many-connection.js";
import {
  assignTargets,
  emptyGroup,
  MAX_TARGETS,
  smallerLimits,
  type TargetCounts,
  type TargetGroup,
} from "./target-groups.js";

/** The connections of a feed: one, and further ones if the targets are more than a server accepts in a request. */
export interface ManyConnections {
  /** Those that are not idle; the first one if all are. */
  inUse(): readonly ManyConnection[];
  /** Calls of one task apply together, in a microtask after them. */
  setTargets(targets: FeedTargets): void;
  /**
   * If the server refused a request as too large, smaller ones replace it in a microtask.
   *
   * @returns whether there is such a request.
   */
  splitRefused(): boolean;
  refresh(): void;
  close(): void;
}

/** Makes connections that are idle. @param onConnected - Called after the targets were applied. */
export function manyConnections(
  options: ResolvedWatchOptions,
  receiver: FeedReceiver,
  onConnected: () => void,
): ManyConnections {
  const groups: TargetGroup[] = [emptyGroup()];
  const first = manyConnection(options, receiver);
  const connections = [first];
  let targets: FeedTargets = { jobs: [], subjects: [], limit: 1 };
  let limits: TargetCounts = MAX_TARGETS;

  const connectLater = oncePerTurn(() => {
    for (const connection of connections) connection.connect();
    onConnected();
  });

  function assign(): void {
    assignTargets(groups, targets, limits);
    for (const [index, { jobs, subjects }] of groups.entries()) {
      connections[index] ??= manyConnection(options, receiver);
      connections[index].setTargets({ ...targets, jobs: [...jobs], subjects: [...subjects] });
    }
    connectLater();
  }

  const refusedAsTooLarge = () => connections.filter(canBeSplit);

  const splitLater = oncePerTurn(() => {
    for (const connection of refusedAsTooLarge()) {
      limits = smallerLimits(connection.asked, limits) ?? limits;
      connection.refresh();
    }
    assign();
  });

  return {
    inUse() {
      const used = connections.filter(({ state }) => state.status !== "idle");
      return used.length > 0 ? used : [first];
    },
    setTargets(next) {
      targets = next;
      assign();
    },
    splitRefused() {
      const hasRefused = refusedAsTooLarge().length > 0;
      if (hasRefused) splitLater();
      return hasRefused;
    },
    refresh() {
      for (const connection of connections) connection.refresh();
      connectLater();
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

function canBeSplit({ state: { status, error }, asked }: ManyConnection): boolean {
  const isTooLarge = status === "closed" && error?.code === "too-many-targets";
  return isTooLarge && smallerLimits(asked, MAX_TARGETS) !== undefined;
}
