import type { ConnectionState } from "../core/connection/connection-state.js";
import type { Feed, FeedReceiver, FeedTargets, OpenFeed } from "../core/feed/feed.js";
import type { ResolvedWatchOptions } from "../core/options.js";
import type { TabGroup } from "./group.js";
import { joinGroup, type Member } from "./member.js";
import { pagePause } from "./page-pause.js";
import { NO_TARGETS, newsReader } from "./reader.js";

/** The surroundings of a feed that is shared. */
export interface TabFeedContext {
  readonly group: TabGroup;
  readonly direct: OpenFeed;
  readonly options: ResolvedWatchOptions;
  readonly receiver: FeedReceiver;
}

/**
 * Opens a feed that belongs to a group while it has targets and its page is not paused. So a page that is frozen or in
 * the back/forward cache has no lock that the others need.
 */
export function tabFeed(context: TabFeedContext): Feed {
  const { direct, options, receiver } = context;
  const reader = newsReader(receiver);
  const page = pagePause(options, { onPause: () => leave("paused"), onCheck: () => check(false) });
  let connection = stateOf("idle");
  let member: Member | undefined;
  /** The own connection of a page to which the platform refuses locks. */
  let alone: Feed | undefined;

  function show(next: ConnectionState): void {
    if (JSON.stringify(next) === JSON.stringify(connection)) return;
    connection = next;
    receiver.connection(connection);
  }

  function leave(status: "idle" | "paused"): void {
    member?.leave();
    member = undefined;
    show(stateOf(status));
  }

  /** Asks the leader, or joins the group again. */
  function check(refresh: boolean): void {
    if (alone || isIdle(reader.targets)) return;
    if (member) {
      member.ask(refresh);
      return;
    }
    show(stateOf("connecting"));
    member = joinGroup({
      ...context,
      reader,
      onNews: (news) => show(news.connection),
      onRefused() {
        member?.leave();
        page.detach();
        alone = direct(options, receiver);
        alone.setTargets(reader.targets);
      },
    });
  }

  const askOnce = oncePerTurn(options.schedule, () => member?.ask(false));
  return {
    get connection() {
      return alone?.connection ?? connection;
    },
    setTargets(targets) {
      const wasIdle = isIdle(reader.targets);
      reader.targets = targets;
      if (alone) alone.setTargets(targets);
      else if (isIdle(targets)) {
        page.detach();
        leave("idle");
      } else if (wasIdle) {
        page.attach();
        if (!page.isPaused) check(false);
      } else askOnce();
    },
    refresh() {
      if (alone) alone.refresh();
      else check(true);
    },
    close() {
      reader.targets = NO_TARGETS;
      page.detach();
      member?.leave();
      alone?.close();
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
