import { backoffMs, nth } from "./backoff.js";
import type { Effect, Machine, MachineEvent, Policy, Stamp } from "./events.js";

/** The next state, and what is to be done. */
export type Step = readonly [next: Machine, effects: readonly Effect[]];

type Kind = MachineEvent["kind"];
type EventOf<K extends Kind> = Extract<MachineEvent, { readonly kind: K }> & Stamp;
type Handler<K extends Kind> = (state: Machine, event: EventOf<K>, policy: Policy) => Step;

/** Mute or foreign answers until the stream is given up for polls. */
const MAX_STRIKES = 2;
/** Long polls that weren't held until polls come at an interval. */
const MAX_UNHELD = 3;
/** Between long polls: a job that changes all the time is asked twice a second, not as fast as the network allows. */
const LONG_POLL_GAP_MS = 500;
/** What returns after `bye` are spread over, unless the server wants more. */
const BYE_SPREAD_MS = 1000;

/** Before the first listener. */
export const INITIAL: Machine = {
  status: "idle",
  transport: "stream",
  attempt: 0,
  strikes: 0,
  current: 0,
  probe: 0,
  probes: 0,
  last: 0,
  unheld: 0,
  placed: false,
  refreshed: false,
  floorMs: 0,
  floorAt: 0,
  error: undefined,
};

/** Pure: no timer, socket, clock or dice. An event that comes too late changes nothing. */
export function reduce(state: Machine, event: MachineEvent & Stamp, policy: Policy): Step {
  const { status, current, probe } = state;
  const late = "connection" in event && event.connection !== current && event.connection !== probe;
  // While nobody listens only a listener, or the end of it all, is news.
  const awaited = event.kind === "start" || (event.kind === "halt" && event.status === "closed");
  if (late || (status === "idle" && !awaited) || status === "closed") return go(state);
  const over = event.kind === "dropped" || event.kind === "refused";
  if (over && event.connection === probe) return probeFailed(state, policy);
  return (handlers[event.kind] as Handler<Kind>)(state, event, policy);
}

const handlers: { readonly [K in Kind]: Handler<K> } = {
  start(state, { placed, now }, policy) {
    if (state.status !== "idle") return go(state);
    // One that may not hold a connection polls; one that must stream can't, and goes ahead.
    const polls = policy.transport === "poll" || (policy.transport === "auto" && !placed);
    return redial({ ...state, placed, transport: polls ? "poll" : "stream" }, now, policy);
  },

  halt,

  alive(state, { connection, healthy }) {
    const proved = connection === state.probe;
    const news = state.transport === "stream" && (healthy || state.status !== "live");
    if (!proved && !news) return go(state);
    // The change-over: polls went on until the stream had proved itself, and both go by one cursor, so there is no gap.
    const next: Machine = { ...accepted(state, "live", connection), probe: 0, transport: "stream" };
    return go(next, healthy ? { attempt: 0, strikes: 0, probes: 0 } : {});
  },

  silent: (state) => (state.status === "live" ? go(state, { status: "suspect" }) : go(state)),

  polled(state, { unheld, random }, { pollIntervalMs }) {
    const next: Machine = {
      ...accepted(state, "polling", 0),
      attempt: 0,
      unheld: unheld ? state.unheld + 1 : isLong(state) ? 0 : state.unheld,
    };
    const delayMs = isLong(next) ? LONG_POLL_GAP_MS : backoffMs(1, [pollIntervalMs], 0, random);
    return go(next, {}, { run: "elapsed", delayMs });
  },

  dropped(state, { bye, strike, floorMs, error, now, random }, policy) {
    const left: Machine = { ...state, current: 0, error, floorMs, floorAt: now + floorMs };
    // What fails without a network isn't held against the server.
    if (state.status === "offline") return go(left);
    if (bye) {
      const delayMs = Math.max(floorMs, random * BYE_SPREAD_MS);
      return go(left, { status: "waiting" }, { run: "elapsed", delayMs });
    }
    const attempt = state.attempt + 1;
    const strikes = state.strikes + Number(strike);
    const unheld = state.unheld + 1;
    const next: Machine = { ...left, status: "waiting", attempt, strikes, unheld };
    const changes = givesUpStream(next, policy);
    // Another transport is a fresh start: it needn't wait as long as the one that failed.
    const delayMs = backoffMs(changes ? 1 : attempt, policy.backoffMs, floorMs, random);
    const wait: Effect = { run: "elapsed", delayMs };
    return changes
      ? go(next, { transport: "poll", unheld: 0 }, wait, probeLater(next, policy))
      : go(next, {}, wait);
  },

  refused: (state, { error }) =>
    error.status === 401 && !state.refreshed
      ? dial({ ...state, refreshed: true })
      : halt(state, { status: "closed", error }),

  elapsed: (state) =>
    state.current === 0 && (state.status === "waiting" || state.status === "polling")
      ? dial(state)
      : go(state),

  probe(state, { placed }, policy) {
    const next = placed ? { ...state, placed } : state;
    if (next.status === "polling") return probe(next, policy);
    const later = next.transport === "poll" && next.status !== "paused";
    return later ? go(next, {}, probeLater(next, policy)) : go(next);
  },

  // Open connections are kept: a server on this very machine needs no network, and the next byte says so.
  offline: (state) => (state.status === "paused" ? go(state) : go(state, { status: "offline" })),

  check: (state, { now }, policy) =>
    state.status === "connecting" || state.status === "live"
      ? go(state)
      : redial(state, now, policy),
};

/** The same state unless something is patched, so that nobody is told of nothing. */
function go(state: Machine, patch?: Partial<Machine>, ...effects: readonly Effect[]): Step {
  return [patch ? { ...state, ...patch } : state, effects];
}

/** What the server accepted makes earlier refusals void. */
function accepted(state: Machine, status: "live" | "polling", current: number): Machine {
  return { ...state, status, current, refreshed: false, error: undefined };
}

function isLong({ placed, unheld }: Machine): boolean {
  return placed && unheld < MAX_UNHELD;
}

function givesUpStream({ transport, attempt, strikes, probes }: Machine, policy: Policy): boolean {
  const failed = attempt >= policy.maxAttempts || strikes >= MAX_STRIKES || probes > 0;
  return failed && transport === "stream" && policy.transport === "auto";
}

function halt(state: Machine, { status, error }: Pick<EventOf<"halt">, "status" | "error">): Step {
  return go(state, { status, error, current: 0, probe: 0 });
}

/** Begins anew, unless the server wants to be left alone for now. */
function redial(state: Machine, now: number, policy: Policy): Step {
  const next = { ...state, current: 0, probe: 0 };
  // The smaller one, should the clock have been set back.
  const delayMs = Math.min(state.floorMs, state.floorAt - now);
  if (delayMs > 0)
    return go(next, { status: "waiting" }, { run: "elapsed", delayMs }, probeLater(next, policy));
  const [dialled, effects] = dial(next);
  const [probing, more] = probe(dialled, policy);
  return [probing, [...effects, ...more]];
}

function dial(state: Machine, transport = state.transport): Step {
  const connection = state.last + 1;
  const hold = isLong(state);
  const effect: Effect = {
    run: "connect",
    transport,
    connection,
    hold,
    refresh: state.refreshed,
  };
  const patch: Partial<Machine> =
    transport === state.transport
      ? { current: connection, status: transport === "poll" ? "polling" : "connecting" }
      : { probe: connection };
  return go(state, { ...patch, last: connection }, effect);
}

/** Tries the stream beside the polls, if that is wanted and not under way. */
function probe(state: Machine, { transport, probesMs }: Policy): Step {
  const wanted = transport === "auto" && probesMs && state.placed && !state.probe;
  return wanted && state.transport === "poll" ? dial(state, "stream") : go(state);
}

function probeLater({ probes }: Machine, { probesMs }: Policy): Effect {
  return { run: "probe", delayMs: nth(probesMs || [], probes) };
}

function probeFailed(state: Machine, policy: Policy): Step {
  // Whatever ails the stream may have ailed the long polls, too: they get another chance with it.
  return go(state, { probe: 0, probes: state.probes + 1, unheld: 0 }, probeLater(state, policy));
}
