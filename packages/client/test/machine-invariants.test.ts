import fc from "fast-check";
import { expect, test } from "vitest";
import type { Effect, TimerName } from "../src/machine/effects.js";
import type { MachineEvent } from "../src/machine/events.js";
import { reduce } from "../src/machine/reduce.js";
import { initialState, type MachineState } from "../src/machine/state.js";
import { EVENTS, type EventName, NOW, POLICY } from "./support/machine-cases.js";

/** The result of all effects so far: the connections that are open, and the timers that are set. */
interface World {
  machine: MachineState;
  readonly open: Set<number>;
  readonly timers: Set<TimerName>;
  attached: boolean;
  /** Whether the page was asked for its state: its answer is the next event. */
  asked: boolean;
}

const move = fc.record({
  name: fc.constantFrom(...(Object.keys(EVENTS) as EventName[])),
  probe: fc.boolean(),
  successor: fc.boolean(),
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
  { machine, asked }: World,
  { name, probe, successor, late, ...rest }: Move,
): MachineEvent | undefined {
  const answer = probe ? "check" : "offline";
  const event: MachineEvent = { ...EVENTS[asked && name !== "pause" ? answer : name], ...rest };
  if (!("connection" in event)) return event;
  if (late) return { ...event, connection: 0.5 };
  const role = successor ? "successor" : probe ? "probe" : "current";
  const connection = machine[role];
  if (connection === undefined) return undefined;
  // A poll reports nothing but its answer, and a stream is never answered.
  const polls = role === "current" && machine.transport === "poll";
  const fits = event.kind === "polled" ? polls : !polls || !/alive|silent|ready/.test(event.kind);
  return fits ? { ...event, connection } : undefined;
}

function execute(world: World, effect: Effect): void {
  switch (effect.run) {
    case "connect":
      assertRules({ "no number is used twice": !world.open.has(effect.connection) });
      world.open.add(effect.connection);
      break;
    case "disconnect":
      assertRules({ "nothing is closed twice": world.open.delete(effect.connection) });
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
    case "ask-page":
      world.asked = true;
      break;
  }
}

function step(world: World, move: Move): void {
  const event = eventOf(world, move);
  if (event === undefined) return;
  if (event.kind === "retry-due") world.timers.delete("retry");
  if (event.kind === "probe-due") world.timers.delete("probe");
  const { machine } = world;
  world.asked = false;
  const [next, effects] = reduce(machine, { ...event, now: move.now, random: move.random });
  const isLate = "connection" in event && move.late;
  if (isLate || machine.status === "closed") expect([next, effects]).toEqual([machine, []]);
  for (const effect of effects) execute(world, effect);
  world.machine = next;
  assertProven(machine, event, next);
}

/** Throws for the first rule that does not hold. An `expect` for each of them would take seconds. */
function assertRules(rules: Readonly<Record<string, boolean>>): void {
  for (const [rule, holds] of Object.entries(rules)) if (!holds) throw new Error(rule);
}

/** An answer proves nothing: failures are forgotten only for later frames, and for age. */
function assertProven(before: MachineState, event: MachineEvent, after: MachineState): void {
  const delivers = event.kind === "alive" && event.delivers;
  const healthy = event.kind === "alive" && event.healthy;
  const tookOver = before.probe !== undefined && after.current === before.probe;
  const replaced = before.successor !== undefined && after.current === before.successor;
  const failedStream = event.kind === "failed" && after.current === undefined;
  assertRules({
    "attempts are forgotten by a later frame or a poll":
      delivers || event.kind === "polled" || after.attempt >= before.attempt,
    "strikes are forgotten by age": healthy || after.strikes >= before.strikes,
    "failed probes are forgotten by age": healthy || after.failedProbes >= before.failedProbes,
    "a probe takes over by a later frame, and after a failure by age":
      !tookOver || (before.failedProbes > 0 ? healthy : delivers),
    "a probe that took over counts as failed until it is healthy":
      !tookOver || healthy || after.failedProbes === 1,
    "a successor takes over when it is ready, or the stream before it fails":
      !replaced || /ready|failed|bye/.test(event.kind),
    "only a probe ends the polls":
      tookOver ||
      event.kind === "start" ||
      before.transport === "stream" ||
      after.transport === "poll",
    "two strikes lead to polls":
      !failedStream || after.strikes < 2 || after.status === "closed" || after.transport === "poll",
    "a timer that is due leads to a request":
      event.kind !== "retry-due" || /idle|paused|closed/.test(after.status) || !!after.current,
  });
}

function assertSound({ machine, open, timers, attached, asked }: World): void {
  const { status, current, probe, successor, lastConnection, transport } = machine;
  const connections = [current, probe, successor].filter((connection) => connection !== undefined);
  const hasStopped = status === "idle" || status === "closed";
  const isReaching = status === "waiting" || status === "polling" || status === "offline";
  assertRules({
    "the open connections are the current one, the probe and the successor":
      open.size === connections.length && connections.every((connection) => open.has(connection)),
    "no number is above the highest": connections.every((one) => one <= lastConnection),
    "each connection has one role": new Set(connections).size === connections.length,
    "only a stream has a successor":
      successor === undefined || (transport === "stream" && current !== undefined),
    "a stream in use is open": !/connecting|live|suspect/.test(status) || current !== undefined,
    "a wait has a timer": status !== "waiting" || timers.has("retry"),
    // Even if the page reports nothing any more.
    "no state is a dead end": hasStopped || current !== undefined || timers.has("retry") || asked,
    "polls try the stream":
      !isReaching || transport === "stream" || probe !== undefined || timers.has("probe"),
    "a machine that has stopped has no connection and no timer":
      !hasStopped || (connections.length === 0 && timers.size === 0),
    "a pause has no connection, and only the timer that ends it":
      status !== "paused" || (connections.length === 0 && !timers.has("probe")),
    "the page is listened to unless the machine has stopped": attached !== hasStopped,
  });
}

test("given any sequence of events, no connection leaks, none is late, and no state is a dead end", () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 60 }), (moves) => {
      const world: World = {
        machine: initialState(POLICY),
        open: new Set(),
        timers: new Set(),
        attached: false,
        asked: false,
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
