import type { Json } from "@emlinh/progress-protocol";

/** Objects that are nested deeper than this are copied through JSON, which does not recurse. */
const MAX_RECURSION = 100;

/**
 * A copy as a database would return it: `-0` becomes `0`, a `Date` its text. It is frozen at every depth, so that all
 * readers can share it.
 *
 * @throws TypeError if a value can't be written as JSON.
 */
export function frozenCopy<Value>(value: Value): Value {
  return copyOf(value, 0) as Value;
}

/** Plain values, which are nearly all, are copied in one pass. Everything else takes the way through JSON. */
function copyOf(value: unknown, depth: number): Json | undefined {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  // The sum turns -0 into 0.
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (typeof value !== "object" || depth === MAX_RECURSION) return throughJson(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => copyOf(item, depth + 1) ?? null);
    return Object.freeze(items);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = (prototype === Object.prototype || prototype === null) && !("toJSON" in value);
  return isPlain ? copyOfMembers(value, depth) : throughJson(value);
}

function copyOfMembers(members: object, depth: number): Json {
  const copy: Record<string, Json> = {};
  for (const name of Object.keys(members)) {
    const member = copyOf((members as Record<string, unknown>)[name], depth + 1);
    if (member === undefined) continue;
    if (name === "__proto__")
      Object.defineProperty(copy, name, { value: member, enumerable: true });
    else copy[name] = member;
  }
  return Object.freeze(copy);
}

function throughJson(value: unknown): Json | undefined {
  const text = JSON.stringify(value);
  if (text === undefined) return undefined;
  const copy: Json = JSON.parse(text);
  // A list instead of recursion, because values may be nested deeper than the call stack allows.
  const pending: Json[] = [copy];
  for (const next of pending) {
    if (typeof next !== "object" || next === null) continue;
    Object.freeze(next);
    for (const inner of Object.values(next)) pending.push(inner);
  }
  return copy;
}
