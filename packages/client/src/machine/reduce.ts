import { backoffMs, nth } from "./backoff.js";
import type { Machine, MachineEvent, Policy, Stamp, Transport, Waits } from "./events.js";

/** The next state, and what is to be waited for. */
export type Step = readonly [next: Machine, waits: Waits];

type Kind = MachineEvent["kind"];
type EventOf<K extends Kind> = MachineEvent & { readonly kind: K } & Stamp;
type Moves = { readonly [K in Kind]: (event: EventOf<K>) => Step };

/** What the server accepted makes earlier refusals void. */
const ACCEPTED = { refreshed: false, error: undefined };
/** What data make of failures before them. */
const HEALTHY = { attempt: 0, strikes: 0, probes: 0 };
/** No connection. */
const CUT = { current: 0, probe: 0 };

/** Before the first listener. */
export const INITIAL: Machine = {
  ...ACCEPTED,
  ...HEALTHY,
  ...CUT,
  status: "idle",
  transport: "stream",
  last: 0,
  unheld: 0,
  floorMs: 0,
  floorAt: 0,
};

/** Pure: no timer, socket, clock or dice. An event that comes too late changes nothing. */
export function reduce(state: Machine, event: MachineEvent & Stamp, policy: Policy): Step {
  const { status, current, probe } = state;
  const { kind, connection = current } = event;
  const late = connection !== current && connection !== probe;
  // While nobody listens only a listener, or the end of it all, is news.
  const unawaited = status === "idle" ? kind !== "start" && kind !== "close" : kind === "start";
  if (late || unawaited || status === "closed") return [state, {}];
  return (movesFrom(state, policy)[kind] as (event: MachineEvent & Stamp) => Step)(event);
}

/** How long polls are held: not at all by a server that was seen not to. */
export function holdMs({ unheld }: Pick<Machine, "unheld">, { pollWaitMs }: Policy): number {
  // After so many in a row polls come at an interval.
  const MAX_UNHELD = 3;
  return unheld < MAX_UNHELD ? pollWaitMs : 0;
}

/** What each event makes of a state. */
function movesFrom(state: Machine, policy: Policy): Moves {
  const { status, transport, current, probe, probes, unheld } = state;
  const auto = policy.transport === "auto";
  const next = state.last + 1;
  const later: Waits = { probe: nth(policy.probesMs || [], probes) };

  /** The same state unless something is patched, so that nobody is told of nothing. */
  function go(patch?: Partial<Machine> | false, waits: Waits = {}): Step {
    return [patch ? { ...state, ...patch } : state, waits];
  }

  function dial(to: Transport): Partial<Machine> {
    const status = to === "poll" ? "polling" : "connecting";
    return { status, transport: to, last: next, current: next };
  }

  /** Tries the stream beside the polls. */
  function probing(number: number, to = transport): Partial<Machine> | false {
    return auto && !!policy.probesMs && to === "poll" && { last: number, probe: number };
  }

  /** Begins anew, unless the server wants to be left alone for now. */
  function redial(to: Transport, now: number): Step {
    // The smaller one, should the clock have been set back.
    const elapsed = Math.min(state.floorMs, state.floorAt - now);
    return elapsed > 0
      ? go({ ...CUT, status: "waiting", transport: to }, { elapsed, ...later })
      : go({ ...CUT, ...dial(to), ...probing(next + 1, to) });
  }

  function halt(status: "idle" | "paused" | "closed", error?: Machine["error"]): Step {
    return go({ ...CUT, status, error });
  }

  return {
    start: ({ now }) => redial(policy.transport === "poll" ? "poll" : "stream", now),
    leave: () => halt("idle"),
    pause: () => halt("paused"),
    close: ({ error }) => halt("closed", error),

    alive: ({ connection, healthy }) =>
      go(
        (connection === probe || (transport === "stream" && (healthy || status !== "live"))) && {
          ...ACCEPTED,
          ...(healthy && HEALTHY),
          // The change-over: polls went on until the stream had proved itself, and both go by one cursor, so there is no gap.
          status: "live",
          transport: "stream",
          current: connection,
          probe: 0,
        },
      ),

    silent: () => go(status === "live" && { status: "suspect" }),

    polled(event) {
      // A job that changes all the time is asked twice a second, not as fast as the network allows.
      const LONG_POLL_GAP_MS = 500;
      const after = { unheld: event.unheld ? unheld + 1 : holdMs(state, policy) ? 0 : unheld };
      return go(
        { ...ACCEPTED, ...after, status: "polling", attempt: 0, current: 0 },
        {
          elapsed: holdMs(after, policy)
            ? LONG_POLL_GAP_MS
            : policy.pollIntervalMs * (1 - event.random / 2),
        },
      );
    },

    dropped({ connection, bye, strike, floorMs, error, now, random }) {
      if (connection === probe)
        // Whatever ails the stream may have ailed the long polls, too: they get another chance with it.
        return go({ probe: 0, probes: probes + 1, unheld: 0 }, later);
      if (error?.retryable === false)
        return error.status === 401 && !state.refreshed
          ? go({ ...dial(transport), refreshed: true })
          : halt("closed", error);
      const left = { current: 0, error, floorMs, floorAt: now + floorMs };
      // What fails without a network isn't held against the server.
      if (status === "offline") return go(left);
      // They return spread over this time, unless the server wants more.
      const BYE_SPREAD_MS = 1000;
      if (bye)
        return go(
          { ...left, status: "waiting" },
          { elapsed: Math.max(floorMs, random * BYE_SPREAD_MS) },
        );
      // Mute or foreign answers until the stream is given up for polls.
      const MAX_STRIKES = 2;
      const attempt = state.attempt + 1;
      const strikes = state.strikes + Number(strike);
      const failed = attempt >= policy.maxAttempts || strikes >= MAX_STRIKES || probes > 0;
      const changes = failed && auto && transport === "stream";
      return go(
        {
          ...left,
          status: "waiting",
          attempt,
          strikes,
          unheld: unheld + 1,
          ...(changes && { transport: "poll", unheld: 0 }),
        },
        {
          // Another transport is a fresh start: it needn't wait as long as the one that failed.
          elapsed: backoffMs(changes ? 1 : attempt, policy.backoffMs, floorMs, random),
          ...(changes && later),
        },
      );
    },

    elapsed: () =>
      go(!current && (status === "waiting" || status === "polling") && dial(transport)),

    probe: () =>
      status === "polling"
        ? go(!probe && probing(next))
        : go(false, transport === "poll" && status !== "paused" ? later : {}),

    // Open connections are kept: a server on this very machine needs no network, and the next byte says so.
    offline: () => go(status !== "paused" && { status: "offline" }),

    check: ({ suspect, now }) =>
      (status === "connecting" || status === "live") && !suspect ? go() : redial(transport, now),
  };
}
