import { ProgressError } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Effect, TimerName } from "../src/machine/effects.js";
import type { EventContext, MachineEvent } from "../src/machine/events.js";
import type { RetryPolicy } from "../src/machine/policy.js";
import { reduce, type Step } from "../src/machine/reduce.js";
import { type ConnectionStatus, initialState, type MachineState } from "../src/machine/state.js";

const POLICY: RetryPolicy = {
  transport: "auto",
  backoffMs: [1000, 2000, 4000, 8000, 16_000, 30_000],
  maxAttempts: 5,
  pollIntervalMs: 2000,
  pollWaitMs: 20_000,
  probesMs: [30_000, 60_000],
};
/** The policy of a job that waits for a slot: it may hold no connection open. */
const WITHOUT_SLOT: RetryPolicy = { ...POLICY, transport: "poll", pollWaitMs: 0 };
const NOW = 1_700_000_000_000;
const CONTEXT: EventContext = { now: NOW, random: 0 };
const failure = new ProgressError("refused", { message: "failed", retryable: true });
const unauthorized = new ProgressError("not-authenticated", { message: "401", status: 401 });
const missing = new ProgressError("job-not-found", { message: "404", status: 404 });

/** The current connection of every state below that has one. */
const C = 7;
const BASE: MachineState = { ...initialState(POLICY), lastConnection: C };

const STATES: Record<ConnectionStatus, MachineState> = {
  idle: BASE,
  connecting: { ...BASE, status: "connecting", current: C },
  live: { ...BASE, status: "live", current: C, attempt: 2 },
  suspect: { ...BASE, status: "suspect", current: C },
  waiting: { ...BASE, status: "waiting", attempt: 1 },
  offline: { ...BASE, status: "offline", current: C },
  paused: { ...BASE, status: "paused" },
  polling: { ...BASE, status: "polling", transport: "poll", current: C, attempt: 5 },
  closed: { ...BASE, status: "closed" },
};

const FAILED = { kind: "failed", connection: C, strike: false, floorMs: 0 } as const;
const EVENTS = {
  start: { kind: "start", policy: POLICY },
  leave: { kind: "leave" },
  pause: { kind: "pause", overdue: false },
  close: { kind: "close" },
  alive: { kind: "alive", connection: C, healthy: false },
  healthy: { kind: "alive", connection: C, healthy: true },
  silent: { kind: "silent", connection: C },
  polled: { kind: "polled", connection: C, unheld: false },
  failed: { ...FAILED, error: failure },
  unauthorized: { ...FAILED, error: unauthorized },
  refused: { ...FAILED, error: missing },
  bye: { kind: "bye", connection: C, floorMs: 300 },
  "retry-due": { kind: "retry-due" },
  "probe-due": { kind: "probe-due" },
  "policy-changed": { kind: "policy-changed", policy: POLICY },
  offline: { kind: "offline", overdue: false },
  check: { kind: "check", overdue: false },
  overdue: { kind: "check", overdue: true },
} as const satisfies Record<string, MachineEvent>;
type EventName = keyof typeof EVENTS;

// A new kind of event does not compile until it is in EVENTS, and so in the table.
type MissingKind = Exclude<MachineEvent["kind"], (typeof EVENTS)[EventName]["kind"]>;
const allKindsAreListed: [MissingKind] extends [never] ? true : MissingKind = true;

/** An effect in words: `stream`, `hold` (a long poll) and `poll` open a connection. */
function word(effect: Effect): string {
  switch (effect.run) {
    case "connect": {
      const poll = effect.holdMs > 0 ? "hold" : "poll";
      return (effect.transport === "poll" ? poll : "stream") + (effect.refresh ? "+refresh" : "");
    }
    case "disconnect":
      return `disconnect:${effect.connection}`;
    case "wait":
      return `${effect.timer}:${effect.delayMs}`;
    default:
      return effect.run;
  }
}

const words = ([, effects]: Step): string => effects.map(word).join(" ");

/** The next status and the effects in words; `-` if nothing changes. */
function outcome(state: MachineState, event: MachineEvent): string {
  const step = reduce(state, { ...event, ...CONTEXT });
  const [next, effects] = step;
  if (effects.length > 0) return `${next.status} ${words(step)}`;
  return JSON.stringify(next) === JSON.stringify(state) ? "-" : next.status;
}

const SHUT_DOWN = "cancel-timers detach release-slot";

/** Every pair. A pair that is missing does not compile. */
const TABLE: Record<ConnectionStatus, Record<EventName, string>> = {
  idle: {
    start: "connecting attach stream",
    leave: "-",
    pause: "-",
    close: `closed ${SHUT_DOWN}`,
    alive: "-",
    healthy: "-",
    silent: "-",
    polled: "-",
    failed: "-",
    unauthorized: "-",
    refused: "-",
    bye: "-",
    "retry-due": "-",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "-",
    check: "-",
    overdue: "-",
  },
  connecting: {
    start: "-",
    leave: `idle disconnect:7 ${SHUT_DOWN}`,
    pause: "paused disconnect:7 cancel-timers",
    close: `closed disconnect:7 ${SHUT_DOWN}`,
    alive: "live",
    healthy: "live",
    silent: "-",
    polled: "polling disconnect:7 retry:500",
    failed: "waiting disconnect:7 retry:1000",
    unauthorized: "connecting disconnect:7 stream+refresh",
    refused: `closed disconnect:7 ${SHUT_DOWN}`,
    bye: "waiting disconnect:7 retry:300",
    "retry-due": "-",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "offline",
    check: "-",
    overdue: "connecting disconnect:7 stream",
  },
  live: {
    start: "-",
    leave: `idle disconnect:7 ${SHUT_DOWN}`,
    pause: "paused disconnect:7 cancel-timers",
    close: `closed disconnect:7 ${SHUT_DOWN}`,
    alive: "-",
    healthy: "live",
    silent: "suspect",
    polled: "polling disconnect:7 retry:500",
    failed: "waiting disconnect:7 retry:4000",
    unauthorized: "connecting disconnect:7 stream+refresh",
    refused: `closed disconnect:7 ${SHUT_DOWN}`,
    bye: "waiting disconnect:7 retry:300",
    "retry-due": "-",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "offline",
    check: "-",
    overdue: "connecting disconnect:7 stream",
  },
  suspect: {
    start: "-",
    leave: `idle disconnect:7 ${SHUT_DOWN}`,
    pause: "paused disconnect:7 cancel-timers",
    close: `closed disconnect:7 ${SHUT_DOWN}`,
    alive: "live",
    healthy: "live",
    silent: "-",
    polled: "polling disconnect:7 retry:500",
    failed: "waiting disconnect:7 retry:1000",
    unauthorized: "connecting disconnect:7 stream+refresh",
    refused: `closed disconnect:7 ${SHUT_DOWN}`,
    bye: "waiting disconnect:7 retry:300",
    "retry-due": "-",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "offline",
    check: "connecting disconnect:7 stream",
    overdue: "connecting disconnect:7 stream",
  },
  waiting: {
    start: "-",
    leave: `idle ${SHUT_DOWN}`,
    pause: "paused cancel-timers",
    close: `closed ${SHUT_DOWN}`,
    alive: "-",
    healthy: "-",
    silent: "-",
    polled: "-",
    failed: "-",
    unauthorized: "-",
    refused: "-",
    bye: "-",
    "retry-due": "connecting stream",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "offline",
    check: "connecting stream",
    overdue: "connecting stream",
  },
  offline: {
    start: "-",
    leave: `idle disconnect:7 ${SHUT_DOWN}`,
    pause: "paused disconnect:7 cancel-timers",
    close: `closed disconnect:7 ${SHUT_DOWN}`,
    alive: "live",
    healthy: "live",
    silent: "-",
    polled: "polling disconnect:7 retry:500",
    failed: "offline disconnect:7",
    unauthorized: "connecting disconnect:7 stream+refresh",
    refused: `closed disconnect:7 ${SHUT_DOWN}`,
    bye: "offline disconnect:7",
    "retry-due": "-",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "-",
    check: "connecting disconnect:7 stream",
    overdue: "connecting disconnect:7 stream",
  },
  paused: {
    start: "-",
    leave: `idle ${SHUT_DOWN}`,
    pause: "paused cancel-timers",
    close: `closed ${SHUT_DOWN}`,
    alive: "-",
    healthy: "-",
    silent: "-",
    polled: "-",
    failed: "-",
    unauthorized: "-",
    refused: "-",
    bye: "-",
    "retry-due": "-",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "-",
    check: "connecting stream",
    overdue: "connecting stream",
  },
  polling: {
    start: "-",
    leave: `idle disconnect:7 ${SHUT_DOWN}`,
    pause: "paused disconnect:7 cancel-timers",
    close: `closed disconnect:7 ${SHUT_DOWN}`,
    alive: "-",
    healthy: "-",
    silent: "-",
    polled: "polling disconnect:7 retry:500",
    failed: "waiting disconnect:7 retry:30000",
    unauthorized: "polling disconnect:7 hold+refresh",
    refused: `closed disconnect:7 ${SHUT_DOWN}`,
    bye: "waiting disconnect:7 retry:300",
    "retry-due": "-",
    "probe-due": "polling stream",
    "policy-changed": "polling stream",
    offline: "offline",
    check: "polling disconnect:7 hold stream",
    overdue: "polling disconnect:7 hold stream",
  },
  closed: {
    start: "-",
    leave: "-",
    pause: "-",
    close: "-",
    alive: "-",
    healthy: "-",
    silent: "-",
    polled: "-",
    failed: "-",
    unauthorized: "-",
    refused: "-",
    bye: "-",
    "retry-due": "-",
    "probe-due": "-",
    "policy-changed": "-",
    offline: "-",
    check: "-",
    overdue: "-",
  },
};

test("every kind of event is in the table", () => {
  expect(allKindsAreListed).toBe(true);
});

describe("every event in every state", () => {
  for (const status of Object.keys(TABLE) as ConnectionStatus[])
    for (const name of Object.keys(EVENTS) as EventName[])
      test(`given ${status}, ${name}: ${TABLE[status][name]}`, () => {
        expect(outcome(STATES[status], EVENTS[name])).toBe(TABLE[status][name]);
      });
});

/** The state after some events, and the effects of the last one in words. */
function run(
  state: MachineState,
  ...events: readonly MachineEvent[]
): readonly [MachineState, string] {
  let step: Step = [state, []];
  for (const event of events) step = reduce(step[0], { ...event, ...CONTEXT });
  return [step[0], words(step)];
}

const fail = (connection: number, more = {}): MachineEvent => ({
  ...EVENTS.failed,
  connection,
  ...more,
});
const POLLING_AFTER_FAILURE: MachineState = { ...STATES.polling, strikes: 2, attempt: 2 };

describe("failures", () => {
  test("given the fifth failure in a row, polls after the first delay and probes the stream later", () => {
    const [next, effects] = run({ ...STATES.live, attempt: 4 }, EVENTS.failed);
    expect(next).toMatchObject({ status: "waiting", transport: "poll", attempt: 5 });
    expect(effects).toBe("disconnect:7 retry:1000 probe:30000");
  });

  test("given a wait, states when it ends", () => {
    expect(run(STATES.live, EVENTS.failed)[0].retryAt).toBe(NOW + 4000);
    expect(run(STATES.live, EVENTS.bye)[0].retryAt).toBe(NOW + 300);
  });

  test("given two strikes, polls, however few the failures", () => {
    const [next] = run(STATES.connecting, fail(C, { strike: true }));
    expect(next.transport).toBe("stream");
    const again = { ...next, status: "connecting", current: C } as const;
    expect(run(again, fail(C, { strike: true }))[0].transport).toBe("poll");
  });

  test("given earlier failures, an open alone forgets none of them, and data forget all", () => {
    const state: MachineState = { ...STATES.connecting, attempt: 3, strikes: 1, failedProbes: 2 };
    expect(run(state, EVENTS.alive)[0]).toMatchObject({ status: "live", attempt: 3, strikes: 1 });
    const forgotten = { attempt: 0, strikes: 0, failedProbes: 0 };
    expect(run(state, EVENTS.healthy)[0]).toMatchObject(forgotten);
  });

  test("given a second 401 in a row, closes as refused; after an open, asks for credentials again", () => {
    const [asked] = run(STATES.connecting, EVENTS.unauthorized);
    const again = { ...EVENTS.unauthorized, connection: C + 1 };
    expect(run(asked, again)[0]).toMatchObject({ status: "closed", error: unauthorized });
    const [open] = run(asked, { ...EVENTS.alive, connection: C + 1 });
    expect(run(open, again)[0]).toMatchObject({ status: "connecting", refreshed: true });
  });

  test("given failures while offline, counts no attempt", () => {
    const [next] = run(STATES.live, EVENTS.offline, EVENTS.failed);
    expect(next).toMatchObject({ status: "offline", attempt: 2, current: undefined });
    expect(outcome(next, EVENTS.check)).toBe("connecting stream");
  });

  test("given a bye, counts no attempt and returns within a second, unless the server asks for more", () => {
    const [next] = run(STATES.live, EVENTS.bye);
    expect(next).toMatchObject({ status: "waiting", transport: "stream", attempt: 2 });
    const byes = [0, 0.5, 0.999].map((random) =>
      words(reduce(STATES.live, { ...EVENTS.bye, ...CONTEXT, random })),
    );
    expect(byes).toEqual(
      ["retry:300", "retry:500", "retry:999"].map((wait) => `disconnect:7 ${wait}`),
    );
    expect(outcome(STATES.live, { ...EVENTS.bye, floorMs: 5000 })).toBe(
      "waiting disconnect:7 retry:5000",
    );
  });

  test("given transport stream, no number of failures makes it poll", () => {
    const policy: RetryPolicy = { ...POLICY, transport: "stream" };
    const [next] = run({ ...STATES.live, policy, attempt: 99, strikes: 99 }, EVENTS.failed);
    expect(next.transport).toBe("stream");
  });
});

describe("probes", () => {
  test("given a probe that delivers, changes over to it and closes the poll", () => {
    const [probing, effects] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    expect(effects).toBe("stream");
    expect(probing).toMatchObject({ status: "polling", current: C, probe: C + 1 });
    const [live, after] = run(probing, { ...EVENTS.alive, connection: C + 1 });
    expect(live).toMatchObject({
      status: "live",
      transport: "stream",
      current: C + 1,
      probe: undefined,
    });
    expect(after).toBe(`disconnect:${C}`);
  });

  test("given a probe that fails, polls on and waits longer for the next", () => {
    const [probing] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    const [next, effects] = run(probing, fail(C + 1));
    expect(next).toMatchObject({
      status: "polling",
      current: C,
      probe: undefined,
      failedProbes: 1,
      attempt: 2,
    });
    expect(effects).toBe(`disconnect:${C + 1} probe:30000`);
    const [, later] = run(next, EVENTS["probe-due"], fail(C + 2));
    expect(later).toBe(`disconnect:${C + 2} probe:60000`);
  });

  test("given a probe that the server ends with bye, polls on", () => {
    const [probing] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    const [next, effects] = run(probing, { ...EVENTS.bye, connection: C + 1 });
    expect(next).toMatchObject({ status: "polling", current: C, failedProbes: 1 });
    expect(effects).toBe(`disconnect:${C + 1} probe:30000`);
  });

  test("given a refused probe, whatever the status, polls on", () => {
    const [probing] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    for (const error of [missing, unauthorized])
      expect(run(probing, fail(C + 1, { error }))[0].status).toBe("polling");
  });

  test("given a stream from a probe that fails before it was healthy, polls again at once", () => {
    const [next] = run({ ...STATES.live, attempt: 0, failedProbes: 1 }, EVENTS.failed);
    expect(next).toMatchObject({ status: "waiting", transport: "poll" });
  });

  test("given a pause while polling, keeps no timer; the check after it tries the stream at once", () => {
    const [paused] = run(POLLING_AFTER_FAILURE, EVENTS.pause);
    expect(outcome(paused, EVENTS["probe-due"])).toBe("-");
    expect(outcome(paused, EVENTS.check)).toBe("polling hold stream");
  });
});

describe("the server's minimum wait", () => {
  const state: MachineState = { ...STATES.waiting, floorMs: 9000, floorUntil: NOW + 4000 };

  test("given a wait that is not over, a check waits for the rest of it", () => {
    expect(outcome(state, EVENTS.check)).toBe("waiting retry:4000");
    const polls: MachineState = { ...state, transport: "poll" };
    expect(outcome(polls, EVENTS.check)).toBe("waiting retry:4000 probe:30000");
    expect(outcome({ ...state, status: "idle" }, EVENTS.start)).toContain("waiting");
  });

  test("given a clock that was set back, waits no longer than the minimum itself", () => {
    const late: MachineState = { ...state, floorUntil: NOW + 86_400_000 };
    expect(outcome(late, EVENTS.check)).toContain("retry:9000");
  });
});

test("given a stream that is overdue by the clock, a check connects again and counts no attempt", () => {
  for (const status of ["connecting", "live"] as const) {
    expect(outcome(STATES[status], EVENTS.overdue)).toBe("connecting disconnect:7 stream");
    const [next] = run(STATES[status], EVENTS.overdue);
    expect(next.attempt).toBe(STATES[status].attempt);
  }
});

describe("long polls", () => {
  test("given some that are not held, polls at an interval from the third on, until a probe failed", () => {
    const unheld = { ...EVENTS.polled, unheld: true };
    const state = { ...STATES.polling, unheld: 2 };
    expect(outcome(state, unheld)).toBe("polling disconnect:7 retry:2000");
    expect(outcome({ ...state, unheld: 1 }, unheld)).toBe("polling disconnect:7 retry:500");
    expect(run({ ...state, unheld: 1 }, EVENTS.polled)[0].unheld).toBe(0);
    const slow = { ...state, unheld: 3, current: undefined };
    expect(outcome(slow, EVENTS["retry-due"])).toBe("polling poll");
    expect(run(slow, EVENTS["probe-due"], fail(C + 1))[0].unheld).toBe(0);
  });

  test("given streams that failed, asks for long polls", () => {
    const [next] = run({ ...STATES.connecting, unheld: 3, strikes: 1 }, fail(C, { strike: true }));
    expect(outcome(next, EVENTS["retry-due"])).toBe("polling hold");
  });
});

describe("slots", () => {
  test("given none, polls at an interval, does not probe, and streams as soon as there is one", () => {
    const start = { ...EVENTS.start, policy: WITHOUT_SLOT };
    expect(outcome(STATES.idle, start)).toBe("polling attach poll");
    const [next] = run(STATES.idle, start);
    expect(next).toMatchObject({ status: "polling", transport: "poll" });
    expect(outcome(next, EVENTS["probe-due"])).toBe("-");
    const polled = { ...EVENTS.polled, connection: C + 1 };
    expect(outcome(next, polled)).toBe(`polling disconnect:${C + 1} retry:2000`);
    const [, effects] = run(next, EVENTS["policy-changed"]);
    expect(effects).toBe("stream");
  });

  test("given one while nothing is polled, opens nothing at once", () => {
    const polls = { transport: "poll", policy: WITHOUT_SLOT } as const;
    const granted = (status: "paused" | "waiting" | "offline"): string =>
      run({ ...STATES[status], ...polls }, EVENTS["policy-changed"])[1];
    expect(granted("paused")).toBe("");
    expect(granted("waiting")).toBe("probe:30000");
    expect(granted("offline")).toBe("probe:30000");
  });
});

test.each([
  ["stream", "connecting attach stream"],
  ["poll", "polling attach hold"],
  ["auto", "connecting attach stream"],
] as const)("given transport %s, starts with: %s", (transport, expected) => {
  const policy: RetryPolicy = { ...POLICY, transport };
  expect(outcome(STATES.idle, { ...EVENTS.start, policy })).toBe(expected);
});

/** The result of all effects so far: the connections that are open, and the timers that are set. */
interface World {
  machine: MachineState;
  readonly open: Set<number>;
  readonly timers: Set<TimerName>;
  attached: boolean;
}

const move = fc.record({
  name: fc.constantFrom(...(Object.keys(EVENTS) as EventName[])),
  probe: fc.boolean(),
  late: fc.boolean(),
  strike: fc.boolean(),
  unheld: fc.boolean(),
  floorMs: fc.constantFrom(0, 5000),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  now: fc.integer({ min: NOW, max: NOW + 100_000 }),
});
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

/** The event of a move, or `undefined` if no driver would dispatch it in this state. */
function eventOf(
  { machine }: World,
  { name, probe, late, ...rest }: Move,
): MachineEvent | undefined {
  const event: MachineEvent = { ...EVENTS[name], ...rest };
  // Half of the lives begin without a slot.
  if (event.kind === "start") return { ...event, policy: probe ? WITHOUT_SLOT : POLICY };
  if (!("connection" in event)) return event;
  if (late) return { ...event, connection: 0.5 };
  const connection = probe ? machine.probe : machine.current;
  if (connection === undefined) return undefined;
  // A poll reports nothing but its answer, and a stream is never answered.
  const polls = !probe && machine.transport === "poll";
  const fits = event.kind === "polled" ? polls : !polls || !/alive|silent/.test(event.kind);
  return fits ? { ...event, connection } : undefined;
}

function execute(world: World, effect: Effect): void {
  switch (effect.run) {
    case "connect":
      expect(world.open).not.toContain(effect.connection);
      world.open.add(effect.connection);
      break;
    case "disconnect":
      // Nothing is closed twice.
      expect(world.open.delete(effect.connection)).toBe(true);
      break;
    case "wait":
      world.timers.add(effect.timer);
      break;
    case "cancel-timers":
      world.timers.clear();
      break;
    case "attach":
      world.attached = true;
      break;
    case "detach":
      world.attached = false;
      break;
  }
}

function step(world: World, move: Move): void {
  const event = eventOf(world, move);
  if (event === undefined) return;
  if (event.kind === "retry-due") world.timers.delete("retry");
  if (event.kind === "probe-due") world.timers.delete("probe");
  const { machine } = world;
  const [next, effects] = reduce(machine, { ...event, now: move.now, random: move.random });
  const isLate = "connection" in event && move.late;
  if (isLate || machine.status === "closed") expect([next, effects]).toEqual([machine, []]);
  for (const effect of effects) execute(world, effect);
  world.machine = next;
}

function assertSound({ machine, open, timers, attached }: World): void {
  const { status, current, probe, lastConnection, transport, policy } = machine;
  const connections = [current, probe].filter((connection) => connection !== undefined);
  expect([...open].sort()).toEqual(connections.sort());
  expect(Math.max(0, ...connections)).toBeLessThanOrEqual(lastConnection);
  if (probe !== undefined) expect(probe).not.toBe(current);
  if (status === "connecting" || status === "live" || status === "suspect")
    expect(current).toBeGreaterThan(0);
  // No state is a dead end: a request is open, or a timer runs.
  if (status === "waiting") expect(timers).toContain("retry");
  if (status === "polling") expect(current !== undefined || timers.has("retry")).toBe(true);
  const reaching = status === "waiting" || status === "polling";
  if (reaching && transport === "poll" && policy === POLICY)
    expect(probe !== undefined || timers.has("probe")).toBe(true);
  if (status === "idle" || status === "paused" || status === "closed")
    expect([current, probe, timers.size]).toEqual([undefined, undefined, 0]);
  expect(attached).toBe(status !== "idle" && status !== "closed");
}

test("given any sequence of events, no connection leaks, none is late, and no state is a dead end", () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 60 }), (moves) => {
      const world: World = {
        machine: initialState(POLICY),
        open: new Set(),
        timers: new Set(),
        attached: false,
      };
      step(world, { ...(moves[0] as Move), name: "start" });
      for (const one of moves) {
        step(world, one);
        assertSound(world);
      }
    }),
    { numRuns: 3000 },
  );
});
