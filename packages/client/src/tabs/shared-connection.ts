import type { ConnectionState } from "../core/connection/connection-state.js";
import type { Feed, FeedReceiver, FeedTargets, OpenFeed } from "../core/feed/feed.js";
import type { ResolvedWatchOptions } from "../core/options.js";
import type { TabGroup } from "./group.js";
import { pagePause } from "./page-pause.js";
import { joinGroup, type Participant } from "./participant.js";
import { NO_TARGETS, updateReader } from "./reader.js";

/** The surroundings of a connection that is shared. */
export interface SharedConnectionContext {
  readonly group: TabGroup;
  readonly direct: OpenFeed;
  readonly options: ResolvedWatchOptions;
  readonly receiver: FeedReceiver;
}

/** Opens a connection that is shared. A page to which the platform refuses locks gets one of its own. */
export function sharedConnection(context: SharedConnectionContext): Feed {
  const { direct, options, receiver } = context;
  let targets = NO_TARGETS;
  let feed = groupConnection(context, () => {
    feed.close();
    feed = direct(options, receiver);
    feed.setTargets(targets);
  });
  return {
    get connection() {
      return feed.connection;
    },
    setTargets(next) {
      targets = next;
      feed.setTargets(next);
    },
    refresh: () => feed.refresh(),
    close: () => feed.close(),
  };
}

/**
 * Belongs to a group while it has targets and its page is not paused. So a page that is frozen or in the back/forward
 * cache has no lock that the others need.
 */
function groupConnection(context: SharedConnectionContext, onRefused: () => void): Feed {
  const { options, receiver } = context;
  const reader = updateReader(receiver);
  const page = pagePause(options, { onPause: () => leave("paused"), onCheck: () => check(false) });
  let connection = stateOf("idle");
  let participant: Participant | undefined;

  function show(next: ConnectionState): void {
    if (JSON.stringify(next) === JSON.stringify(connection)) return;
    connection = next;
    receiver.connection(connection);
  }

  function leave(status: "idle" | "paused"): void {
    participant?.leave();
    participant = undefined;
    show(stateOf(status));
  }

  /** Asks the leader, or joins the group again. */
  function check(refresh: boolean): void {
    if (isIdle(reader.targets)) return;
    if (participant) {
      participant.ask(refresh);
      return;
    }
    show(stateOf("connecting"));
    const onUpdate = (update: { readonly connection: ConnectionState }) => show(update.connection);
    participant = joinGroup({ ...context, reader, onUpdate, onRefused });
  }

  const askOnce = oncePerTurn(options.schedule, () => participant?.ask(false));
  return {
    get connection() {
      return connection;
    },
    setTargets(targets) {
      const wasIdle = isIdle(reader.targets);
      reader.targets = targets;
      if (isIdle(targets)) {
        page.detach();
        leave("idle");
      } else if (wasIdle) {
        page.attach();
        if (!page.isPaused) check(false);
      } else askOnce();
    },
    refresh: () => check(true),
    close() {
      reader.targets = NO_TARGETS;
      page.detach();
      participant?.leave();
    },
  };
}

function stateOf(status: ConnectionState["status"]): ConnectionState {
  return { status, attempt: 0, transport: "stream" };
}

function isIdle({ jobs, subjects }: FeedTargets): boolean {
  return jobs.length + subjects.length === 0;
}

/** Calls of one turn of the event loop are one call in the next turn. */
function oncePerTurn(schedule: ResolvedWatchOptions["schedule"], run: () => void): () => void {
  let isScheduled = false;
  return () => {
    if (isScheduled) return;
    isScheduled = true;
    schedule(() => {
      isScheduled = false;
      run();
    }, 0);
  };
}
