import { serverClock } from "../core/connection/server-clock.js";
import type { FeedReceiver, OpenFeed } from "../core/feed/feed.js";
import type { ResolvedWatchOptions } from "../core/options.js";
import type { TabGroup } from "./group.js";
import type { Ask, Term, Update } from "./messages.js";
import { groupParticipants } from "./participants.js";
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
  /** Takes an update for this page. */
  take(update: Update): void;
  /** Sends an update to the other pages. */
  post(update: Update): void;
}

/** Opens a hub. It tells the pages that it is there, and connects when they have told their targets. */
export function openHub({ group, term, direct, options, take, post }: HubContext): Hub {
  const { schedule, poke } = pokedSchedule(options.schedule, options.clock);
  const server = serverClock(options.clock);
  const state = sharedState(options.maxLogLines);
  const closing = new AbortController();
  const { signal } = closing;
  const readiness = readyCounter();

  function updateOf(lacked: Lacked, to?: Update["to"]): Update {
    const { connection } = feed;
    const ready = readiness.count();
    return { kind: "update", term, to, ...lacked, connection, ready, now: server.now() };
  }

  const { tell, flush } = updateBatch((lacked) => {
    if (signal.aborted) return;
    const update = updateOf(lacked);
    // Nobody listens to a page that is alone.
    if (participants.hasOthers) post(update);
    take(update);
  });
  const receiver = hubReceiver(state, {
    tell,
    onTime: server.set,
    onReady: readiness.ready,
  });
  const feed = direct({ ...options, schedule }, receiver);
  const participants = groupParticipants({
    group,
    id: term.id,
    schedule,
    signal,
    onTargets(targets) {
      readiness.reset();
      state.keep(targets);
      feed.setTargets(targets);
    },
  });
  post(updateOf(NOTHING));

  return {
    ask(ask) {
      poke();
      const isNew = participants.set(ask.id, ask.targets);
      // A new page is not told of an old refusal: it may have other credentials.
      if (ask.refresh || (isNew && feed.connection.status === "closed")) feed.refresh();
      // Changes that wait for the end of the turn come before the answer.
      flush();
      const { id, count } = ask;
      const update = updateOf(state.answer(ask), { id, count });
      if (id === term.id) queueMicrotask(() => signal.aborted || take(update));
      else post(update);
    },
    close() {
      closing.abort();
      feed.close();
    },
  };
}

const NOTHING: Lacked = { listed: [], deltas: [], refused: [] };

type Tell = (lacked: Partial<Lacked>) => void;

/** Counts how often the connection brought everything. */
interface ReadyCounter {
  /** 0 while it has not. */
  count(): number;
  /** It has. */
  ready(): void;
  /** There are other targets, so it has not. */
  reset(): void;
}

function readyCounter(): ReadyCounter {
  let last = 0;
  let count = 0;
  return {
    count: () => count,
    ready() {
      last += 1;
      count = last;
    },
    reset() {
      count = 0;
    },
  };
}

/** The listeners of a hub. */
interface HubListener {
  readonly tell: Tell;
  onTime(now: number): void;
  onReady(): void;
}

/** Takes everything into the state, and tells it. */
function hubReceiver(state: SharedState, { tell, onTime, onReady }: HubListener): FeedReceiver {
  return {
    cursorOf: state.cursorOf,
    listOf: state.listOf,
    receive(delta) {
      const { applied, update } = state.receive(delta);
      if (update) tell({ deltas: [update] });
      return applied;
    },
    listed(list) {
      tell({ listed: [list], deltas: state.listed(list) });
    },
    refused(refused) {
      state.refused(refused);
      tell({ refused: [refused] });
    },
    serverTime(now) {
      onTime(now);
      tell({});
    },
    ready() {
      onReady();
      tell({});
    },
    connection: () => tell({}),
  };
}

interface UpdateBatch {
  readonly tell: Tell;
  /** Sends the batch at once, if there is one. */
  flush(): void;
}

/** Merges what is told in one turn. @param send - Sends it at the end of the turn. */
function updateBatch(send: (lacked: Lacked) => void): UpdateBatch {
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
