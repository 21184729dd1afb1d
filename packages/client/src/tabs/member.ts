import type { OpenFeed } from "../core/feed/feed.js";
import type { ResolvedWatchOptions } from "../core/options.js";
import type { TabGroup } from "./group.js";
import { type Hub, openHub } from "./hub.js";
import { holdLock, leadership } from "./leadership.js";
import { type Ask, decodeMessage, encodeMessage, type News } from "./messages.js";
import type { Reader } from "./reader.js";
import { watchdog } from "./watchdog.js";

/** The stay of a page in a group, as a follower or as the leader. */
export interface Member {
  /** Asks the leader for everything that the page lacks. @param refresh - Whether to check the connection at once. */
  ask(refresh: boolean): void;
  /** Leaves the group: another page leads, if this one did. */
  leave(): void;
}

/** The surroundings of a member. */
export interface MemberContext {
  readonly group: TabGroup;
  readonly direct: OpenFeed;
  readonly options: ResolvedWatchOptions;
  readonly reader: Reader;
  /** Called with all news that count. */
  onNews(news: News): void;
  /** The platform refuses locks to this page. */
  onRefused(): void;
}

/** Joins a group. */
export function joinGroup(context: MemberContext): Member {
  const { group, options, reader, onNews, onRefused } = context;
  const id = newId(options.random);
  const channel = group.openChannel();
  const leaving = new AbortController();
  let hub: Hub | undefined;
  let isMember = false;

  const post = (message: Ask | News): void => channel.postMessage(encodeMessage(message));
  const dog = watchdog({ ...options, ask: () => ask(false), onDead: () => lead.steal() });
  const lead = leadership(group.locks, group.name, {
    onLead() {
      dog.stop();
      // Later than each term that this page knows, although the clock may have been set back.
      const since = Math.max(Math.floor(options.clock()), reader.term.since + 1);
      hub = openHub({ ...context, term: { since, id }, take, post });
      ask(false);
    },
    onStolen: follow,
    onRefused,
  });

  function follow(): void {
    hub?.close();
    hub = undefined;
    lead.wait();
    ask(false);
  }

  function ask(refresh: boolean): void {
    if (!isMember) return;
    const question = reader.ask(id, refresh);
    if (hub) hub.ask(question);
    else {
      post(question);
      dog.asked();
    }
  }

  function take(news: News): void {
    const taken = isMember ? reader.take(news, id) : "old";
    // A listener may have made the page leave.
    if (taken === "old" || !isMember) return;
    if (!hub) dog.heard();
    onNews(news);
    // Another page took the lead while this one was suspended.
    if (hub && news.term.id !== id) follow();
    else if (taken === "lacking") ask(false);
  }

  channel.addEventListener("message", ({ data }) => {
    const message = decodeMessage(data);
    if (message?.kind === "ask") hub?.ask(message);
    else if (message) take(message);
  });
  holdLock(group.locks, group.lockOf(id), leaving.signal, () => {
    isMember = true;
    lead.wait();
    ask(false);
  }).catch(() => leaving.signal.aborted || onRefused());

  return {
    ask,
    leave() {
      isMember = false;
      leaving.abort();
      dog.stop();
      hub?.close();
      lead.leave();
      channel.close();
    },
  };
}

function newId(random: () => number): string {
  return [random(), random()].map((number) => number.toString(36).slice(2)).join("");
}
