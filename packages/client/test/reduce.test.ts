import { ProgressError } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type {
  ConnectionStatus,
  Machine,
  MachineEvent,
  Policy,
  Stamp,
} from "../src/machine/events.js";
import { holdMs, INITIAL, reduce, type Step } from "../src/machine/reduce.js";

const POLICY: Policy = {
  transport: "auto",
  backoffMs: [1000, 2000, 4000, 8000, 16_000, 30_000],
  maxAttempts: 5,
  pollIntervalMs: 2000,
  pollWaitMs: 20_000,
  probesMs: [30_000, 60_000],
};
/** That of a job that waits for a place among many: it may hold no connection. */
const CROWDED: Policy = { ...POLICY, transport: "poll", pollWaitMs: 0 };
const NOW = 1_700_000_000_000;
const STAMP: Stamp = { now: NOW, random: 0 };
const failure = new ProgressError("refused", { message: "failed", retryable: true });
const unauthorized = new ProgressError("not-authenticated", { message: "401", status: 401 });
const missing = new ProgressError("job-not-found", { message: "404", status: 404 });

/** The connection whose events count in every state below that has one. */
const C = 7;

const STATES: Record<ConnectionStatus, Machine> = {
  idle: { ...INITIAL, last: C },
  connecting: { ...INITIAL, status: "connecting", current: C, last: C },
  live: { ...INITIAL, status: "live", current: C, last: C, attempt: 2 },
  suspect: { ...INITIAL, status: "suspect", current: C, last: C },
  waiting: { ...INITIAL, status: "waiting", last: C, attempt: 1 },
  offline: { ...INITIAL, status: "offline", current: C, last: C },
  paused: { ...INITIAL, status: "paused", last: C },
  polling: {
    ...INITIAL,
    status: "polling",
    transport: "poll",
    current: C,
    last: C,
    attempt: 5,
  },
  closed: { ...INITIAL, status: "closed", last: C },
};

const EVENTS = {
  start: { kind: "start" },
  leave: { kind: "leave" },
  pause: { kind: "pause", suspect: false },
  close: { kind: "close" },
  alive: { kind: "alive", connection: C, healthy: false },
  advanced: { kind: "alive", connection: C, healthy: true },
  silent: { kind: "silent", connection: C },
  polled: { kind: "polled", connection: C, unheld: false },
  dropped: { kind: "dropped", connection: C, strike: false, floorMs: 0, error: failure },
  bye: { kind: "dropped", connection: C, bye: true, strike: false, floorMs: 300 },
  unauthorized: { kind: "dropped", connection: C, strike: false, floorMs: 0, error: unauthorized },
  refused: { kind: "dropped", connection: C, strike: false, floorMs: 0, error: missing },
  elapsed: { kind: "elapsed" },
  probe: { kind: "probe" },
  offline: { kind: "offline", suspect: false },
  check: { kind: "check", suspect: false },
} as const satisfies Record<string, MachineEvent>;
type EventName = keyof typeof EVENTS;

/** What a step wants done, in words: which connections are made and how, then what is told after how long. */
function words(before: Machine, [next, waits]: Step, policy = POLICY): string[] {
  const refresh = next.refreshed ? "+refresh" : "";
  const poll = holdMs(next, policy) ? "hold" : "poll";
  return [
    ...(next.current > before.last
      ? [(next.transport === "poll" ? poll : "stream") + refresh]
      : []),
    ...(next.probe > before.last ? [`stream${refresh}`] : []),
    ...Object.entries(waits).map(([name, delayMs]) => `${name}:${delayMs}`),
  ];
}

function told(state: Machine, event: MachineEvent, policy = POLICY): string {
  const step = reduce(state, { ...event, ...STAMP }, policy);
  const [next] = step;
  const done = words(state, step, policy).join(" ");
  return next === state && !done ? "-" : `${next.status} ${done}`.trim();
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

/** The state after some events, and in words what the last of them wants done. */
function run(state: Machine, ...events: MachineEvent[]): readonly [Machine, string[]] {
  let step: readonly [Machine, string[]] = [state, []];
  for (const event of events) {
    const next = reduce(step[0], { ...event, ...STAMP }, POLICY);
    step = [next[0], words(step[0], next)];
  }
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
    expect(effects).toEqual(["elapsed:1000", "probe:30000"]);
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
    expect(effects).toEqual(["stream"]);
    expect(probing).toMatchObject({ status: "polling", current: C, probe: C + 1 });
    const [live, after] = run(probing, { ...EVENTS.alive, connection: C + 1 });
    expect(live).toMatchObject({ status: "live", transport: "stream", current: C + 1, probe: 0 });
    expect(after).toEqual([]);
  });

  test("given a probe that fails, polls on and waits longer for the next", () => {
    const [probing] = run(POLLING_BY_FAILURE, EVENTS.probe);
    const [next, effects] = run(probing, drop(C + 1));
    expect(next).toMatchObject({ status: "polling", current: C, probe: 0, probes: 1, attempt: 2 });
    expect(effects).toEqual(["probe:30000"]);
    const [, later] = run(next, EVENTS.probe, drop(C + 2));
    expect(later).toEqual(["probe:60000"]);
  });

  test("given a refused probe, whatever the status, polls on", () => {
    const [probing] = run(POLLING_BY_FAILURE, EVENTS.probe);
    for (const error of [missing, unauthorized])
      expect(run(probing, drop(C + 1, { error }))[0].status).toBe("polling");
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

  test("given a stream that by the clock has been silent for long, a check begins anew, and spends no attempt", () => {
    for (const status of ["connecting", "live"] as const) {
      expect(told(STATES[status], { ...EVENTS.check, suspect: true })).toBe("connecting stream");
      const [next] = run(STATES[status], { ...EVENTS.check, suspect: true });
      expect(next.attempt).toBe(STATES[status].attempt);
    }
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
      const step = reduce(STATES.live, { ...EVENTS.bye, ...STAMP, random }, POLICY);
      return words(STATES.live, step).join(" ");
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
    expect(told(paused, EVENTS.probe)).toBe("-");
    expect(told(paused, EVENTS.check)).toBe("polling hold stream");
  });

  test("given no place, polls at an interval, doesn't probe, and streams as soon as there is one", () => {
    const start = told(STATES.idle, EVENTS.start, CROWDED);
    expect(start).toBe("polling poll");
    const [next] = reduce(STATES.idle, { ...EVENTS.start, ...STAMP }, CROWDED);
    expect(next).toMatchObject({ status: "polling", transport: "poll" });
    expect(told(next, EVENTS.probe, CROWDED)).toBe("-");
    expect(told(next, { ...EVENTS.polled, connection: next.current }, CROWDED)).toBe(
      "polling elapsed:2000",
    );
    const [, then] = run(next, EVENTS.probe);
    expect(then).toEqual(["stream"]);
  });

  test("given a place that comes while it doesn't poll, opens nothing at once", () => {
    const poll = { transport: "poll" } as const;
    expect(told({ ...STATES.paused, ...poll }, EVENTS.probe)).toBe("-");
    expect(told({ ...STATES.waiting, ...poll }, EVENTS.probe)).toBe("waiting probe:30000");
    expect(told({ ...STATES.offline, ...poll }, EVENTS.probe)).toBe("offline probe:30000");
  });

  test.each([
    ["stream", "connecting stream"],
    ["poll", "polling hold"],
    ["auto", "connecting stream"],
  ] as const)("given transport %s, starts so: %s", (transport, expected) => {
    expect(told(STATES.idle, EVENTS.start, { ...POLICY, transport })).toBe(expected);
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
  policy: Policy;
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
  if (event.kind === "start" && world.machine.status === "idle")
    world.policy = probe ? CROWDED : POLICY;
  if (event.connection !== undefined) {
    const number = probe ? world.machine.probe : world.machine.current;
    Object.assign(event, { connection: late ? 0.5 : number });
    if (!late && number === 0) return;
    // A poll says nothing but its answer, and a stream is never answered.
    const polls = !probe && world.machine.transport === "poll";
    if (event.kind === "polled" ? !polls : polls && /alive|silent/.test(event.kind)) return;
    if (/polled|dropped/.test(event.kind)) world.open.delete(event.connection);
  }
  if (event.kind === "elapsed") world.timers.delete("elapsed");
  if (event.kind === "probe") {
    world.timers.delete("probe");
    // Told without a timer, it is that there is a place.
    world.policy = POLICY;
  }
  const [next, waits] = reduce(world.machine, event, world.policy);
  if (late && event.connection !== undefined) expect([next, waits]).toEqual([world.machine, {}]);
  if (world.machine.status === "closed") expect([next, waits]).toEqual([world.machine, {}]);
  for (const number of [next.current, next.probe])
    if (number > world.machine.last) world.open.add(number);
  for (const name of Object.keys(waits) as (keyof typeof waits)[]) world.timers.add(name);
  world.machine = next;
  for (const number of world.open)
    if (number !== next.current && number !== next.probe) world.open.delete(number);
}

function assertSound({ machine, policy, open, timers }: World): void {
  const { status, current, probe, last, transport } = machine;
  expect([...open].sort()).toEqual([current, probe].filter(Boolean).sort());
  expect(Math.max(current, probe)).toBeLessThanOrEqual(last);
  if (probe) expect(probe).not.toBe(current);
  if (status === "connecting" || status === "live" || status === "suspect")
    expect(current).toBeGreaterThan(0);
  // No state is a dead end: something is under way, or a timer runs.
  if (status === "waiting") expect(timers).toContain("elapsed");
  if (status === "polling") expect(current > 0 || timers.has("elapsed")).toBe(true);
  const reaching = status === "waiting" || status === "polling";
  if (reaching && transport === "poll" && policy === POLICY)
    expect(probe > 0 || timers.has("probe")).toBe(true);
  if (status === "idle" || status === "paused" || status === "closed")
    expect([current, probe]).toEqual([0, 0]);
}

test("given any sequence of events, no connection leaks, none is late, and no state is a dead end", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const world: World = { machine: INITIAL, policy: POLICY, open: new Set(), timers: new Set() };
      step(world, { ...(moves[0] as Move), name: "start" });
      for (const one of moves) {
        step(world, one);
        assertSound(world);
      }
    }),
    { numRuns: 3000 },
  );
});
