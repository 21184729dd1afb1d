import {
  type Change,
  type Fields,
  type HoldWrite,
  isTerminal,
  type Json,
  parseCursor,
} from "@emlinh/progress-protocol";
import type { Durations, JobDraft } from "../../core/store.js";
import { newEpoch } from "../../shared/ids.js";
import { setsProgress } from "../../shared/lifecycle.js";

/** The values of a call, as texts that the statement casts. */
type Values = readonly (string | null)[];

/** Stands for "never" in a `bigint` of milliseconds. Several of them can be added without an overflow. */
const FOREVER = 1e18;

/** The values of `create_job` that the draft determines. A retry has the same epoch. */
export function createValues({ id, key, set, deadlineMs }: JobDraft): Values {
  const { createdAt: _, ...fields } = set;
  const ends = isTerminal(set.status);
  return [
    id,
    newEpoch(),
    key === undefined ? null : jsonOf(key),
    jsonOf(jsonTexts(withoutTimes(fields, ends))),
    String(Number(set.attempt ?? 1)),
    String(set.stale === true),
    String(ends),
    deadlineMs === undefined ? null : integerText(deadlineMs),
  ];
}

/**
 * The values of `write_job` that the change determines, with the results of `isTerminal` and `setsProgress`: the
 * function does not look into the set.
 */
export function writeValues({ set, log, lostLines = 0, hold, leaseMs }: Change): Values {
  const ends = isTerminal(set.status);
  return [
    Object.keys(set).length > 0 ? jsonOf(jsonTexts(withoutTimes(set, ends))) : null,
    log.length > 0 ? jsonOf(log.map(jsonOf)) : null,
    integerText(lostLines),
    set.attempt === undefined ? null : String(Number(set.attempt)),
    leaseMs === undefined ? null : integerText(leaseMs),
    set.stale === undefined ? null : String(set.stale === true),
    String(ends),
    String(setsProgress(set)),
    ...holdValues(hold),
  ];
}

function holdValues(hold: HoldWrite | undefined): Values {
  if (hold === undefined) return [null, null, null, null, null];
  const { token, count, opens } = hold;
  const seen = parseCursor(opens?.seen);
  return [
    token,
    integerText(count),
    seen?.epoch ?? null,
    seen === undefined ? null : integerText(seen.version),
    opens === undefined ? null : String(opens.takeOver),
  ];
}

/** The value of `learn`, by step as JSON. The functions take logarithms, as the rule `learned` does. */
export function logarithmsOf(durations: Durations): string {
  const entries = Object.entries(durations).map(([step, ms]) => [jsonOf(step), Math.log(ms)]);
  return jsonOf(Object.fromEntries(entries));
}

/** The fields without the times that the functions set. */
function withoutTimes(set: Fields, ends: boolean): Fields {
  const { updatedAt: _, finishedAt, ...fields } = set;
  return ends || finishedAt === undefined ? fields : { ...fields, finishedAt };
}

/** A value as JSON. `JSON.stringify` escapes NUL and lone surrogates, which a `text` of PostgreSQL can't hold. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value);
}

/** Each value as a JSON text. */
export function jsonTexts(
  fields: Readonly<Record<string, Json>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, jsonOf(value)]));
}

/** A number as the text of a `bigint`. `Infinity` becomes a time that never comes. */
export function integerText(value: number): string {
  return BigInt(Math.round(Math.min(value, FOREVER))).toString();
}
