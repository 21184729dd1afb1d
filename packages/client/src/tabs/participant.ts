import type { OpenFeed } from "../core/feed/feed.js";
import type { ResolvedWatchOptions } from "../core/options.js";
import type { TabGroup } from "./group.js";
import { type Hub, type HubContext, openHub } from "./hub.js";
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
  let hasJoined = false;

  const { post, close } = openMessages(group, (message) => {
    if (message.kind === "ask") role.hub?.ask(message);
    else take(message);
  });
  const dog = watchdog({ ...options, ask: () => ask(false), onDead: () => role.steal() });
  const role = openRole(context, {
    ...{ id, take, post },
    onChange() {
      dog.stop();
      ask(false);
    },
  });

  function ask(refresh: boolean): void {
    if (!hasJoined) return;
    const question = reader.ask(id, refresh);
    if (role.hub) role.hub.ask(question);
    else {
      post(question);
      dog.asked();
    }
  }

  function take(update: Update): void {
    const taken = hasJoined ? reader.take(update, id) : "old";
    // A listener may have made the page leave.
    if (taken === "old" || !hasJoined) return;
    if (!role.hub) dog.heard();
    onUpdate(update);
    // Another page took the lead while this one was suspended.
    const isReplaced = role.hub !== undefined && update.term.id !== id;
    if (isReplaced) role.wait();
    if (isReplaced || taken === "lacking") ask(false);
  }

  holdLock(group.locks, group.lockOf(id), leaving.signal, () => {
    hasJoined = true;
    role.wait();
    ask(false);
  }).catch(() => leaving.signal.aborted || onRefused());

  return {
    ask,
    leave() {
      hasJoined = false;
      leaving.abort();
      dog.stop();
      role.leave();
      close();
    },
  };
}

/** The leader or a follower. */
interface Role {
  /** Only the leader has one. */
  readonly hub: Hub | undefined;
  /** Waits for the lead. A page that leads gives it up before. */
  wait(): void;
  /** Takes the lead. */
  steal(): void;
  leave(): void;
}

/** The surroundings of a role. */
interface RoleContext extends Pick<HubContext, "take" | "post"> {
  readonly id: string;
  /** The page begins to lead, or to follow. */
  onChange(): void;
}

/** Makes the role of a page that does not wait for the lead yet. */
function openRole(context: ParticipantContext, { id, take, post, onChange }: RoleContext): Role {
  const { group, options, reader, onRefused } = context;
  let hub: Hub | undefined;
  const lead = leadership(group.locks, group.name, {
    onLead() {
      hub = openHub({ ...context, term: nextTerm(reader.term, id, options.clock()), take, post });
      onChange();
    },
    onStolen() {
      wait();
      onChange();
    },
    onRefused,
  });

  function closeHub(): void {
    hub?.close();
    hub = undefined;
  }

  function wait(): void {
    closeHub();
    lead.wait();
  }

  return {
    get hub() {
      return hub;
    },
    wait,
    steal: lead.steal,
    leave() {
      closeHub();
      lead.leave();
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
