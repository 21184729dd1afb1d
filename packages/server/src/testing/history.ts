import type { Change, Delta, Fields, Json, LogLine } from "@emlinh/progress-protocol";
import { same } from "./assert.js";
import { change, line, QUEUED, renewal, upTo, versionOf } from "./given.js";

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FIELDS = [
  "message",
  "percent",
  "step",
  "metadata.a",
  "metadata.b",
  "steps.s",
  "steps.t",
  "status",
];

/** A random change that doesn't end the job; now and then one that only renews the lease. */
export function randomChange(random: () => number): Change {
  if (random() < 0.1) return renewal(600_000);
  const set: Record<string, Json> = {};
  for (const field of FIELDS)
    if (random() < 0.25) set[field] = field === "status" ? "running" : randomValue(random);
  const lines = random() < 0.4 ? upTo(Math.floor(random() * 4)) : [];
  return change(set, { log: lines.map((by) => line(`line ${by} ${random()}`)) });
}

function randomValue(random: () => number): Json {
  const values: readonly Json[] = [
    null,
    Math.floor(random() * 100),
    `text ${random()}`,
    { done: random(), of: [random()] },
    [],
  ];
  return values[Math.floor(random() * values.length)] ?? null;
}

/**
 * What a job's readers must be told, worked out the long way: from every write that there was, with neither versions per field nor any code of
 * a store's.
 */
export interface History {
  /** Counts the writes that readers can see; the creation is the first. */
  readonly version: () => number;
  append(change: Change): void;
  /** Fails the test unless a delta is what a reader who stands at version `from` must be told; `undefined` for one who holds nothing. */
  check(delta: Delta, from: number | undefined): void;
}

/** The history of a job that was created with {@link QUEUED}. */
export function history(maxLogLines: number): History {
  const writes: { readonly set: Fields; readonly log: readonly LogLine[] }[] = [
    { set: QUEUED, log: [] },
  ];
  let lines = 0;
  return {
    version: () => writes.length,
    append({ set, log }) {
      if (Object.keys(set).length === 0 && log.length === 0) return;
      const version = writes.length + 1;
      writes.push({
        set,
        log: log.map((each, index) => ({ ...each, n: lines + index + 1, version })),
      });
      lines += log.length;
    },
    check(delta, from) {
      const to = versionOf(delta.cursor);
      const what = `from version ${from ?? "none"} to ${to}`;
      const { createdAt, updatedAt, ...set } = delta.set;
      same(delta.reset, from === undefined, `the reset ${what}`);
      same(
        [createdAt !== undefined, updatedAt !== undefined],
        [from === undefined, to > (from ?? 0)],
        `createdAt and updatedAt told ${what}`,
      );
      same(
        set,
        Object.assign({}, ...writes.slice(from ?? 0, to).map((write) => write.set)),
        `the fields ${what}`,
      );
      const kept = writes
        .slice(0, to)
        .flatMap((write) => write.log)
        .slice(-maxLogLines);
      same(
        delta.log,
        kept.filter(({ version }) => version > (from ?? 0)),
        `the lines ${what}`,
      );
    },
  };
}
