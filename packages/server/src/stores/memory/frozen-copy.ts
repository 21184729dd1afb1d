import type { Json } from "@emlinh/progress-protocol";

/**
 * What a database would give back: a copy made by way of JSON (`-0` is `0`, a `Date` is its text), which nobody can change.
 * So the copy can be shared by all its readers.
 */
export function frozenCopy<Value>(value: Value): Value {
  const copy: Json = JSON.parse(JSON.stringify(value));
  // A list in place of recursion: values may be nested deeper than the stack.
  const pending: Json[] = [copy];
  for (const next of pending) {
    if (typeof next !== "object" || next === null) continue;
    Object.freeze(next);
    for (const inner of Object.values(next)) pending.push(inner);
  }
  return copy as Value;
}
