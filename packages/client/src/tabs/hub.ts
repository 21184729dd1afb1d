import { serverClock } from "../core/connection/server-clock.js";
import type { FeedReceiver, OpenFeed } from "../core/feed/feed.js";
import type { ResolvedWatchOptions } from "../core/options.js";
import type { TabGroup } from "./group.js";
import { groupMembers } from "./members.js";
import type { Ask, News, Term } from "./messages.js";
import { pokedSchedule } from "./poked-schedule.js";
import { type Lacked, type SharedState, sharedState } from "./shared-state.js";

/** The side of the leader: it has the connection, and answers the pages. */
export interface Hub {
  /** Answers the question of a page. The page belongs to the group from then on. */
  ask(ask: Ask): void;
  /** Closes the connection. */
  close(): void;
}

/** The surroundings of a hub. */
export interface HubContext {
  readonly group: TabGroup;
  readonly term: Term;
  readonly direct: OpenFeed;
  readonly options: ResolvedWatchOptions;
  /** Takes news for this page. */
  take(news: News): void;
  /** Sends news to the other pages. */
  post(news: News): void;
}

/** Opens a hub. It tells the pages that it is there, and connects when they have told their targets. */
export function openHub({ group, term, direct, options, take, post }: HubContext): Hub {
  const { schedule, poke } = pokedSchedule(options.schedule, options.clock);
  const server = serverClock(options.clock);
  const state = sharedState(options.maxLogLines);
  const closing = new AbortController();
  const { signal } = closing;
  /** Counts how often the connection brought everything. */
  let readyCount = 0;
  let isReady = false;

  function newsOf(lacked: Lacked, to?: News["to"]): News {
    const ready = isReady ? readyCount : 0;
    const { connection } = feed;
    return { kind: "news", term, to, ...lacked, connection, ready, now: server.now() };
  }

  const { tell, flush } = newsBatch((lacked) => {
    if (signal.aborted) return;
    const news = newsOf(lacked);
    // Nobody listens to a page that is alone.
    if (members.hasOthers) post(news);
    take(news);
  });
  const receiver: FeedReceiver = {
    ...stateReceiver(state, tell),
    serverTime(now) {
      server.set(now);
      tell({});
    },
    ready() {
      isReady = true;
      readyCount += 1;
      tell({});
    },
    connection: () => tell({}),
  };
  const feed = direct({ ...options, schedule }, receiver);
  const members = groupMembers({
    group,
    id: term.id,
    schedule,
    signal,
    onTargets(targets) {
      isReady = false;
      state.keep(targets);
      feed.setTargets(targets);
    },
  });
  post(newsOf(NOTHING));

  return {
    ask(ask) {
      poke();
      const isNew = members.set(ask.id, ask.targets);
      // A new page is not told of an old refusal: it may have other credentials.
      if (ask.refresh || (isNew && feed.connection.status === "closed")) feed.refresh();
      // What is told already comes before the answer.
      flush();
      const { id, count } = ask;
      const news = newsOf(state.answer(ask), { id, count });
      if (id === term.id) queueMicrotask(() => signal.aborted || take(news));
      else post(news);
    },
    close() {
      closing.abort();
      feed.close();
    },
  };
}

const NOTHING: Lacked = { listed: [], deltas: [], refused: [] };

type Tell = (lacked: Partial<Lacked>) => void;

/** The part of a receiver that takes data into the state and tells them. */
function stateReceiver(
  state: SharedState,
  tell: Tell,
): Pick<FeedReceiver, "cursorOf" | "listOf" | "receive" | "listed" | "refused"> {
  return {
    cursorOf: state.cursorOf,
    listOf: state.listOf,
    receive(delta) {
      const { applied, news } = state.receive(delta);
      if (news) tell({ deltas: [news] });
      return applied;
    },
    listed(list) {
      tell({ listed: [list], deltas: state.listed(list) });
    },
    refused(refused) {
      state.refused(refused);
      tell({ refused: [refused] });
    },
  };
}

interface NewsBatch {
  readonly tell: Tell;
  /** Sends the batch at once, if there is one. */
  flush(): void;
}

/** Merges what is told in one turn. @param send - Sends it at the end of the turn. */
function newsBatch(send: (lacked: Lacked) => void): NewsBatch {
  let batch: { [Name in keyof Lacked]: Lacked[Name][number][] } | undefined;
  function flush(): void {
    const sent = batch;
    batch = undefined;
    if (sent) send(sent);
  }
  return {
    tell({ listed = [], deltas = [], refused = [] }) {
      if (!batch) queueMicrotask(flush);
      batch ??= { listed: [], deltas: [], refused: [] };
      batch.listed.push(...listed);
      batch.deltas.push(...deltas);
      batch.refused.push(...refused);
    },
    flush,
  };
}
