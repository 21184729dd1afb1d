import type { Json } from "@emlinh/progress-protocol";

/**
 * A copy made through JSON, as a database would return it: `-0` becomes `0`, a `Date` its text. It is frozen at every
 * depth, so that all readers can share it.
 */
export function frozenCopy<Value>(value: Value): Value {
  const copy: Json = JSON.parse(JSON.stringify(value));
  // A list instead of recursion, because values may be nested deeper than the call stack allows.
  const pending: Json[] = [copy];
  for (const next of pending) {
    if (typeof next !== "object" || next === null) continue;
    Object.freeze(next);
    for (const inner of Object.values(next)) pending.push(inner);
  }
  return copy as Value;
}
