import {
  type Change,
  type Delta,
  type Fields,
  isTerminal,
  type Json,
  type LogLine,
} from "@emlinh/progress-protocol";
import { assertEqual } from "./assert.js";
import { change, line, QUEUED, range, renewal, TERMINAL_STATUSES, versionOf } from "./fixtures.js";

/** Returns random numbers from 0 inclusive to 1 exclusive: the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type RandomValue = (random: () => number) => Json;

const FIELDS: { readonly [field: string]: RandomValue } = {
  message: randomValue,
  percent: randomValue,
  step: randomValue,
  "metadata.a": randomValue,
  "metadata.b": randomValue,
  "steps.s": randomStep,
  "steps.t": randomStep,
  "steps.u": randomStep,
  status: () => "running",
};

/** A random change that does not end the job. Some only renew the lease, and some lost lines. */
export function randomChange(random: () => number): Change {
  if (random() < 0.1) return renewal(600_000);
  const lines = random() < 0.4 ? range(Math.floor(random() * 4)) : [];
  return change(randomFields(random), {
    log: lines.map((by) => line(`line ${by} ${random()}`)),
    ...(lines.length > 0 && random() < 0.2 && { lostLines: Math.floor(random() * 10) }),
  });
}

/** A random change that ends the job. */
export function randomEnd(random: () => number): Change {
  return change({ ...randomFields(random), status: oneOf(TERMINAL_STATUSES, random) });
}

function randomFields(random: () => number): Fields {
  const set: Record<string, Json> = {};
  for (const [field, value] of Object.entries(FIELDS))
    if (random() < 0.25) set[field] = value(random);
  return set;
}

function randomValue(random: () => number): Json {
  return oneOf<Json>(
    [
      null,
      Math.floor(random() * 100),
      `text ${random()}`,
      { done: random(), of: [random()] },
      [],
      { status: "running" },
    ],
    random,
  );
}

function randomStep(random: () => number): Json {
  if (random() < 0.2) return randomValue(random);
  const status = oneOf(["running", "running", "pending", "completed", "failed"], random);
  return { status, percent: Math.floor(random() * 100), message: '"status":"running"' };
}

function oneOf<Value>(values: readonly Value[], random: () => number): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

/**
 * The expected answers to a job's readers. They are computed from the list of all writes, without versions per field
 * and without any code of a store.
 */
export interface History {
  /** The number of writes that readers can see. The creation is the first. */
  readonly version: () => number;
  append(change: Pick<Change, "set" | "log" | "lostLines">): void;
  /**
   * Fails the test unless `delta` is the right answer.
   *
   * @param from - The version of the reader's cursor; `undefined` for a reader without one.
   */
  check(delta: Delta, from: number | undefined): void;
}

/** A write that readers can see. */
interface Write {
  readonly set: Fields;
  readonly log: readonly LogLine[];
  /** The steps that it closes, without `finishedAt`. */
  readonly closed: readonly (readonly [field: string, step: { readonly [name: string]: Json }])[];
}

/** The history of a job that was created with {@link QUEUED}. */
export function history(maxLogLines: number): History {
  const writes: Write[] = [{ set: QUEUED, log: [], closed: [] }];
  let lines = 0;
  return {
    version: () => writes.length,
    append({ set, log, lostLines = 0 }) {
      if (Object.keys(set).length === 0 && log.length === 0) return;
      const version = writes.length + 1;
      lines += lostLines;
      const fields = Object.assign({}, ...writes.map((write) => write.set), set);
      writes.push({
        set,
        log: log.map((each, index) => ({ ...each, n: lines + index + 1, version })),
        closed: isTerminal(set.status) ? stepsClosedIn(fields) : [],
      });
      lines += log.length;
    },
    check(delta, from) {
      const to = versionOf(delta.cursor);
      const what = `from version ${from ?? "none"} to ${to}`;
      const { createdAt, updatedAt, ...set } = delta.set;
      assertEqual(delta.reset, from === undefined, `the reset ${what}`);
      assertEqual(
        [createdAt !== undefined, updatedAt !== undefined],
        [from === undefined, to > (from ?? 0)],
        `whether createdAt and updatedAt are set ${what}`,
      );
      const passed = writes.slice(0, to);
      // The end is the last write of a job, so its time is that of the last version.
      const read = passed.slice(from ?? 0).map((write) => fieldsOf(write, updatedAt));
      assertEqual(set, Object.assign({}, ...read), `the fields ${what}`);
      const kept = passed.flatMap(({ log }) => log).slice(-maxLogLines);
      assertEqual(
        delta.log,
        kept.filter(({ version }) => version > (from ?? 0)),
        `the lines ${what}`,
      );
      assertEqual(
        delta.done,
        passed.some((write) => isTerminal(write.set.status)),
        `done ${what}`,
      );
    },
  };
}

function stepsClosedIn(fields: Fields): Write["closed"] {
  const status = fields.status === "completed" ? "completed" : "failed";
  return Object.entries(fields).flatMap(([field, value]) => {
    const isStep = field.startsWith("steps.") && typeof value === "object" && value !== null;
    const step = isStep && !Array.isArray(value) ? (value as { [name: string]: Json }) : {};
    return step.status === "running" ? [[field, { ...step, status }] as const] : [];
  });
}

function fieldsOf({ set, closed }: Write, finishedAt: Json = null): Fields {
  const steps = closed.map(([field, step]) => [field, { ...step, finishedAt }] as const);
  return {
    ...set,
    ...(isTerminal(set.status) && { finishedAt }),
    ...Object.fromEntries(steps),
  };
}
