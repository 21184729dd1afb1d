import type { OpenFeed } from "../core/feed/feed.js";
import type { ResolvedWatchOptions } from "../core/options.js";
import type { TabGroup } from "./group.js";
import { type Hub, openHub } from "./hub.js";
import { holdLock, leadership } from "./leadership.js";
import { type Ask, decodeMessage, encodeMessage, type Term, type Update } from "./messages.js";
import type { Reader } from "./reader.js";
import { watchdog } from "./watchdog.js";

/** The stay of a page in a group, as a follower or as the leader. */
export interface Participant {
  /** Asks the leader for everything that the page lacks. @param refresh - Whether to check the connection at once. */
  ask(refresh: boolean): void;
  /** Leaves the group: another page leads, if this one did. */
  leave(): void;
}

/** The surroundings of a participant. */
export interface ParticipantContext {
  readonly group: TabGroup;
  readonly direct: OpenFeed;
  readonly options: ResolvedWatchOptions;
  readonly reader: Reader;
  /** Called with each update of the present leader. */
  onUpdate(update: Update): void;
  /** The platform refuses locks to this page. */
  onRefused(): void;
}

/** Joins a group. */
export function joinGroup(context: ParticipantContext): Participant {
  const { group, options, reader, onUpdate, onRefused } = context;
  const id = newId(options.random);
  const leaving = new AbortController();
  let hub: Hub | undefined;
  let hasJoined = false;

  const { post, close } = openMessages(group, (message) => {
    if (message.kind === "ask") hub?.ask(message);
    else take(message);
  });
  const dog = watchdog({ ...options, ask: () => ask(false), onDead: () => lead.steal() });
  const lead = leadership(group.locks, group.name, {
    onLead() {
      dog.stop();
      hub = openHub({ ...context, term: nextTerm(reader.term, id, options.clock()), take, post });
      ask(false);
    },
    onStolen: stepDown,
    onRefused,
  });

  function stepDown(): void {
    hub?.close();
    hub = undefined;
    lead.wait();
    ask(false);
  }

  function ask(refresh: boolean): void {
    if (!hasJoined) return;
    const question = reader.ask(id, refresh);
    if (hub) hub.ask(question);
    else {
      post(question);
      dog.asked();
    }
  }

  function take(update: Update): void {
    const taken = hasJoined ? reader.take(update, id) : "old";
    // A listener may have made the page leave.
    if (taken === "old" || !hasJoined) return;
    if (!hub) dog.heard();
    onUpdate(update);
    // Another page took the lead while this one was suspended.
    if (hub && update.term.id !== id) stepDown();
    else if (taken === "lacking") ask(false);
  }

  holdLock(group.locks, group.lockOf(id), leaving.signal, () => {
    hasJoined = true;
    lead.wait();
    ask(false);
  }).catch(() => leaving.signal.aborted || onRefused());

  return {
    ask,
    leave() {
      hasJoined = false;
      leaving.abort();
      dog.stop();
      hub?.close();
      lead.leave();
      close();
    },
  };
}

/** A term that is later than each one that the page knows, although the clock may have been set back. */
function nextTerm({ since }: Term, id: string, now: number): Term {
  return { since: Math.max(Math.floor(now), since + 1), id };
}

/** Opens the channel for messages that are checked. */
function openMessages(
  group: TabGroup,
  onMessage: (message: Ask | Update) => void,
): { post(message: Ask | Update): void; close(): void } {
  const channel = group.openChannel();
  channel.addEventListener("message", ({ data }) => {
    const message = decodeMessage(data);
    if (message) onMessage(message);
  });
  return {
    post: (message) => channel.postMessage(encodeMessage(message)),
    close: () => channel.close(),
  };
}

function newId(random: () => number): string {
  return [random(), random()].map((number) => number.toString(36).slice(2)).join("");
}
