import { ProgressError } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type {
  ConnectionStatus,
  Effect,
  Machine,
  MachineEvent,
  Policy,
  Stamp,
} from "../src/machine/events.js";
import { INITIAL, reduce } from "../src/machine/reduce.js";

const POLICY: Policy = {
  transport: "auto",
  backoffMs: [1000, 2000, 4000, 8000, 16_000, 30_000],
  maxAttempts: 5,
  pollIntervalMs: 2000,
  probesMs: [30_000, 60_000],
};
const NOW = 1_700_000_000_000;
const STAMP: Stamp = { now: NOW, random: 0 };
const failure = new ProgressError("refused", { message: "failed", retryable: true });
const unauthorized = new ProgressError("not-authenticated", { message: "401", status: 401 });
const missing = new ProgressError("job-not-found", { message: "404", status: 404 });

/** The connection whose events count in every state below that has one. */
const C = 7;

const STATES: Record<ConnectionStatus, Machine> = {
  idle: { ...INITIAL, last: C },
  connecting: { ...INITIAL, status: "connecting", current: C, last: C, placed: true },
  live: { ...INITIAL, status: "live", current: C, last: C, placed: true, attempt: 2 },
  suspect: { ...INITIAL, status: "suspect", current: C, last: C, placed: true },
  waiting: { ...INITIAL, status: "waiting", last: C, placed: true, attempt: 1 },
  offline: { ...INITIAL, status: "offline", current: C, last: C, placed: true },
  paused: { ...INITIAL, status: "paused", last: C, placed: true },
  polling: {
    ...INITIAL,
    status: "polling",
    transport: "poll",
    current: C,
    last: C,
    placed: true,
    attempt: 5,
  },
  closed: { ...INITIAL, status: "closed", last: C },
};

const EVENTS = {
  start: { kind: "start", placed: true },
  leave: { kind: "halt", status: "idle" },
  pause: { kind: "halt", status: "paused" },
  close: { kind: "halt", status: "closed" },
  alive: { kind: "alive", connection: C, healthy: false },
  advanced: { kind: "alive", connection: C, healthy: true },
  silent: { kind: "silent", connection: C },
  polled: { kind: "polled", connection: C, unheld: false },
  dropped: { kind: "dropped", connection: C, strike: false, floorMs: 0, error: failure },
  bye: { kind: "dropped", connection: C, bye: true, strike: false, floorMs: 300 },
  unauthorized: { kind: "refused", connection: C, error: unauthorized },
  refused: { kind: "refused", connection: C, error: missing },
  elapsed: { kind: "elapsed" },
  probe: { kind: "probe" },
  placed: { kind: "probe", placed: true },
  offline: { kind: "offline" },
  check: { kind: "check" },
} as const satisfies Record<string, MachineEvent>;
type EventName = keyof typeof EVENTS;

/** An effect in a word: what is done, with which transport or after how long. */
function word(effect: Effect): string {
  if (effect.run === "connect")
    return `${effect.hold && effect.transport === "poll" ? "hold" : effect.transport}${effect.refresh ? "+refresh" : ""}`;
  return `${effect.run}:${effect.delayMs}`;
}

function told(state: Machine, event: MachineEvent): string {
  const [next, effects] = reduce(state, { ...event, ...STAMP }, POLICY);
  const words = effects.map(word).join(" ");
  return next === state && !words ? "-" : `${next.status} ${words}`.trim();
}

/** Every pair: the next status and the effects; `-` for nothing at all. A pair that is missing doesn't compile. */
const TABLE: Record<ConnectionStatus, Record<EventName, string>> = {
  idle: {
    start: "connecting stream",
    leave: "-",
    pause: "-",
    close: "closed",
    alive: "-",
    advanced: "-",
    silent: "-",
    polled: "-",
    dropped: "-",
    bye: "-",
    unauthorized: "-",
    refused: "-",
    elapsed: "-",
    probe: "-",
    placed: "-",
    offline: "-",
    check: "-",
  },
  connecting: {
    start: "-",
    leave: "idle",
    pause: "paused",
    close: "closed",
    alive: "live",
    advanced: "live",
    silent: "-",
    polled: "polling elapsed:500",
    dropped: "waiting elapsed:1000",
    bye: "waiting elapsed:300",
    unauthorized: "connecting stream+refresh",
    refused: "closed",
    elapsed: "-",
    probe: "-",
    placed: "connecting",
    offline: "offline",
    check: "-",
  },
  live: {
    start: "-",
    leave: "idle",
    pause: "paused",
    close: "closed",
    alive: "-",
    advanced: "live",
    silent: "suspect",
    polled: "polling elapsed:500",
    dropped: "waiting elapsed:4000",
    bye: "waiting elapsed:300",
    unauthorized: "connecting stream+refresh",
    refused: "closed",
    elapsed: "-",
    probe: "-",
    placed: "live",
    offline: "offline",
    check: "-",
  },
  suspect: {
    start: "-",
    leave: "idle",
    pause: "paused",
    close: "closed",
    alive: "live",
    advanced: "live",
    silent: "-",
    polled: "polling elapsed:500",
    dropped: "waiting elapsed:1000",
    bye: "waiting elapsed:300",
    unauthorized: "connecting stream+refresh",
    refused: "closed",
    elapsed: "-",
    probe: "-",
    placed: "suspect",
    offline: "offline",
    check: "connecting stream",
  },
  waiting: {
    start: "-",
    leave: "idle",
    pause: "paused",
    close: "closed",
    alive: "-",
    advanced: "-",
    silent: "-",
    polled: "-",
    dropped: "-",
    bye: "-",
    unauthorized: "-",
    refused: "-",
    elapsed: "connecting stream",
    probe: "-",
    placed: "waiting",
    offline: "offline",
    check: "connecting stream",
  },
  offline: {
    start: "-",
    leave: "idle",
    pause: "paused",
    close: "closed",
    alive: "live",
    advanced: "live",
    silent: "-",
    polled: "polling elapsed:500",
    dropped: "offline",
    bye: "offline",
    unauthorized: "connecting stream+refresh",
    refused: "closed",
    elapsed: "-",
    probe: "-",
    placed: "offline",
    offline: "offline",
    check: "connecting stream",
  },
  paused: {
    start: "-",
    leave: "idle",
    pause: "paused",
    close: "closed",
    alive: "-",
    advanced: "-",
    silent: "-",
    polled: "-",
    dropped: "-",
    bye: "-",
    unauthorized: "-",
    refused: "-",
    elapsed: "-",
    probe: "-",
    placed: "paused",
    offline: "-",
    check: "connecting stream",
  },
  polling: {
    start: "-",
    leave: "idle",
    pause: "paused",
    close: "closed",
    alive: "-",
    advanced: "-",
    silent: "-",
    polled: "polling elapsed:500",
    dropped: "waiting elapsed:30000",
    bye: "waiting elapsed:300",
    unauthorized: "polling hold+refresh",
    refused: "closed",
    elapsed: "-",
    probe: "polling stream",
    placed: "polling stream",
    offline: "offline",
    check: "polling hold stream",
  },
  closed: {
    start: "-",
    leave: "-",
    pause: "-",
    close: "-",
    alive: "-",
    advanced: "-",
    silent: "-",
    polled: "-",
    dropped: "-",
    bye: "-",
    unauthorized: "-",
    refused: "-",
    elapsed: "-",
    probe: "-",
    placed: "-",
    offline: "-",
    check: "-",
  },
};

describe("every event in every state", () => {
  for (const status of Object.keys(TABLE) as ConnectionStatus[])
    for (const name of Object.keys(EVENTS) as EventName[])
      test(`given ${status}, ${name}: ${TABLE[status][name]}`, () => {
        expect(told(STATES[status], EVENTS[name])).toBe(TABLE[status][name]);
      });
});

function run(state: Machine, ...events: MachineEvent[]): readonly [Machine, readonly Effect[]] {
  let step: readonly [Machine, readonly Effect[]] = [state, []];
  for (const event of events) step = reduce(step[0], { ...event, ...STAMP }, POLICY);
  return step;
}

const drop = (connection: number, more = {}): MachineEvent => ({
  ...EVENTS.dropped,
  connection,
  ...more,
});
const POLLING_BY_FAILURE: Machine = { ...STATES.polling, strikes: 2, attempt: 2 };

describe("what the table can't show", () => {
  test("given the fifth failure in a row, polls after the first delay and probes the stream later", () => {
    const [next, effects] = run({ ...STATES.live, attempt: 4 }, EVENTS.dropped);
    expect(next).toMatchObject({ status: "waiting", transport: "poll", attempt: 5 });
    expect(effects.map(word)).toEqual(["elapsed:1000", "probe:30000"]);
  });

  test("given two strikes, polls, however few the failures", () => {
    const [next] = run(STATES.connecting, drop(C, { strike: true }));
    expect(next.transport).toBe("stream");
    const again = { ...next, status: "connecting", current: C } as const;
    expect(run(again, drop(C, { strike: true }))[0].transport).toBe("poll");
  });

  test("given failures before it, an open alone forgets none of them, and data forget all", () => {
    const state: Machine = { ...STATES.connecting, attempt: 3, strikes: 1, probes: 2 };
    expect(run(state, EVENTS.alive)[0]).toMatchObject({ status: "live", attempt: 3, strikes: 1 });
    expect(run(state, EVENTS.advanced)[0]).toMatchObject({ attempt: 0, strikes: 0, probes: 0 });
  });

  test("given a probe that delivers, changes over to it and drops the poll", () => {
    const [probing, effects] = run(POLLING_BY_FAILURE, EVENTS.probe);
    expect(effects.map(word)).toEqual(["stream"]);
    expect(probing).toMatchObject({ status: "polling", current: C, probe: C + 1 });
    const [live, after] = run(probing, { ...EVENTS.alive, connection: C + 1 });
    expect(live).toMatchObject({ status: "live", transport: "stream", current: C + 1, probe: 0 });
    expect(after).toEqual([]);
  });

  test("given a probe that fails, polls on and waits longer for the next", () => {
    const [probing] = run(POLLING_BY_FAILURE, EVENTS.probe);
    const [next, effects] = run(probing, drop(C + 1));
    expect(next).toMatchObject({ status: "polling", current: C, probe: 0, probes: 1, attempt: 2 });
    expect(effects.map(word)).toEqual(["probe:30000"]);
    const [, later] = run(next, EVENTS.probe, drop(C + 2));
    expect(later.map(word)).toEqual(["probe:60000"]);
  });

  test("given a refused probe, whatever the status, polls on", () => {
    const [probing] = run(POLLING_BY_FAILURE, EVENTS.probe);
    for (const error of [missing, unauthorized])
      expect(run(probing, { kind: "refused", connection: C + 1, error })[0].status).toBe("polling");
  });

  test("given a stream that came by a probe and fails before it was healthy, polls again at once", () => {
    const [next] = run({ ...STATES.live, attempt: 0, probes: 1 }, EVENTS.dropped);
    expect(next).toMatchObject({ status: "waiting", transport: "poll" });
  });

  test("given a second 401 in a row, is closed as refused; after an open it asks anew", () => {
    const [asked] = run(STATES.connecting, EVENTS.unauthorized);
    const again = { ...EVENTS.unauthorized, connection: C + 1 };
    expect(run(asked, again)[0]).toMatchObject({ status: "closed", error: unauthorized });
    const [open] = run(asked, { ...EVENTS.alive, connection: C + 1 });
    expect(run(open, again)[0]).toMatchObject({ status: "connecting", refreshed: true });
  });

  test("given a floor that has not passed, a check waits for the rest of it", () => {
    const state: Machine = { ...STATES.waiting, floorMs: 9000, floorAt: NOW + 4000 };
    expect(told(state, EVENTS.check)).toBe("waiting elapsed:4000 probe:30000");
    expect(told({ ...state, status: "idle" }, EVENTS.start)).toContain("waiting");
  });

  test("given a clock that was set back, waits no longer than the floor", () => {
    const state: Machine = { ...STATES.waiting, floorMs: 9000, floorAt: NOW + 86_400_000 };
    expect(told(state, EVENTS.check)).toContain("elapsed:9000");
  });

  test("given failures while offline, spends no attempt", () => {
    const [next] = run(STATES.live, EVENTS.offline, EVENTS.dropped);
    expect(next).toMatchObject({ status: "offline", attempt: 2, current: 0 });
    expect(told(next, EVENTS.check)).toBe("connecting stream");
  });

  test("given a bye, spends no attempt and comes back within a second, unless the server wants more", () => {
    const [next] = run(STATES.live, EVENTS.bye);
    expect(next).toMatchObject({ status: "waiting", transport: "stream", attempt: 2 });
    const byes = [0, 0.5, 0.999].map((random) => {
      const [, [wait]] = reduce(STATES.live, { ...EVENTS.bye, ...STAMP, random }, POLICY);
      return wait && word(wait);
    });
    expect(byes).toEqual(["elapsed:300", "elapsed:500", "elapsed:999"]);
    expect(told(STATES.live, { ...EVENTS.bye, floorMs: 5000 })).toBe("waiting elapsed:5000");
  });

  test("given long polls that come back at once, polls at an interval from the third, until a probe failed", () => {
    const unheld = { ...EVENTS.polled, unheld: true };
    const state = { ...STATES.polling, unheld: 2 };
    expect(told(state, unheld)).toBe("polling elapsed:2000");
    expect(told({ ...state, unheld: 1 }, unheld)).toBe("polling elapsed:500");
    expect(run({ ...state, unheld: 1 }, EVENTS.polled)[0].unheld).toBe(0);
    const slow = { ...state, unheld: 3, current: 0 };
    expect(told(slow, EVENTS.elapsed)).toBe("polling poll");
    expect(run(slow, EVENTS.probe, drop(C + 1))[0].unheld).toBe(0);
  });

  test("given streams that failed, the polls after them are long ones", () => {
    const [next] = run({ ...STATES.connecting, unheld: 3, strikes: 1 }, drop(C, { strike: true }));
    expect(told(next, EVENTS.elapsed)).toBe("polling hold");
  });

  test("given a pause while polling, sets no timer; the check after it tries the stream at once", () => {
    const [paused] = run(POLLING_BY_FAILURE, EVENTS.pause);
    expect(told(paused, EVENTS.placed)).toBe("paused");
    expect(told(paused, EVENTS.check)).toBe("polling hold stream");
  });

  test("given no place, polls at an interval, doesn't probe, and streams as soon as there is one", () => {
    const [next, effects] = run(STATES.idle, { kind: "start", placed: false });
    expect(next).toMatchObject({ status: "polling", transport: "poll" });
    expect(effects.map(word)).toEqual(["poll"]);
    expect(told(next, EVENTS.probe)).toBe("-");
    const [, then] = run(next, EVENTS.placed);
    expect(then.map(word)).toEqual(["stream"]);
  });

  test.each([
    ["stream", false, "connecting stream"],
    ["poll", true, "polling hold"],
    ["auto", true, "connecting stream"],
  ] as const)("given transport %s and placed %s, starts so: %s", (transport, placed, expected) => {
    const [next, effects] = reduce(
      STATES.idle,
      { kind: "start", placed, ...STAMP },
      { ...POLICY, transport },
    );
    expect(`${next.status} ${effects.map(word).join(" ")}`).toBe(expected);
  });

  test("given transport stream, no number of failures makes it poll", () => {
    const state = { ...STATES.live, attempt: 99, strikes: 99 };
    const event = { ...EVENTS.dropped, ...STAMP };
    const [next] = reduce(state, event, { ...POLICY, transport: "stream" });
    expect(next.transport).toBe("stream");
  });
});

/** What the effects amount to: connections that are open, timers that are set. */
interface World {
  machine: Machine;
  readonly open: Set<number>;
  readonly timers: Set<"elapsed" | "probe">;
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

function step(world: World, { name, probe, late, ...rest }: Move): void {
  const event: MachineEvent & Stamp = { ...EVENTS[name], ...rest };
  // Half of the lives begin without a place, and so with polls.
  if (event.kind === "start") Object.assign(event, { placed: !probe });
  if ("connection" in event) {
    const number = probe ? world.machine.probe : world.machine.current;
    Object.assign(event, { connection: late ? 0.5 : number });
    if (!late && number === 0) return;
    // A poll says nothing but its answer, and a stream is never answered.
    const polls = !probe && world.machine.transport === "poll";
    if (event.kind === "polled" ? !polls : polls && /alive|silent/.test(event.kind)) return;
    if (/polled|dropped|refused/.test(event.kind)) world.open.delete(event.connection);
  }
  if (event.kind === "elapsed") world.timers.delete("elapsed");
  if (event.kind === "probe" && !event.placed) world.timers.delete("probe");
  const [next, effects] = reduce(world.machine, event, POLICY);
  if (late && "connection" in event) expect([next, effects]).toEqual([world.machine, []]);
  if (world.machine.status === "closed") expect([next, effects]).toEqual([world.machine, []]);
  world.machine = next;
  for (const effect of effects) {
    if (effect.run === "connect") world.open.add(effect.connection);
    else world.timers.add(effect.run);
  }
  for (const number of world.open)
    if (number !== next.current && number !== next.probe) world.open.delete(number);
}

function assertSound({ machine, open, timers }: World): void {
  const { status, current, probe, last, transport, placed } = machine;
  expect([...open].sort()).toEqual([current, probe].filter(Boolean).sort());
  expect(Math.max(current, probe)).toBeLessThanOrEqual(last);
  if (probe) expect(probe).not.toBe(current);
  if (status === "connecting" || status === "live" || status === "suspect")
    expect(current).toBeGreaterThan(0);
  // No state is a dead end: something is under way, or a timer runs.
  if (status === "waiting") expect(timers).toContain("elapsed");
  if (status === "polling") expect(current > 0 || timers.has("elapsed")).toBe(true);
  const reaching = status === "waiting" || status === "polling";
  if (reaching && transport === "poll" && placed)
    expect(probe > 0 || timers.has("probe")).toBe(true);
  if (status === "idle" || status === "paused" || status === "closed")
    expect([current, probe]).toEqual([0, 0]);
}

test("given any sequence of events, no connection leaks, none is late, and no state is a dead end", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const world: World = { machine: INITIAL, open: new Set(), timers: new Set() };
      step(world, { ...(moves[0] as Move), name: "start" });
      for (const one of moves) {
        step(world, one);
        assertSound(world);
      }
    }),
    { numRuns: 3000 },
  );
});
