import { checksFor } from "../shared/option-checks.js";

/**
 * One value per process: the first call with a name makes it, and every later call with this name returns it.
 *
 * Use it where a module is evaluated more than once in one process. Next.js evaluates a module once for its pages and
 * server actions and once for its route handlers, and again after each change in development. Every evaluation would
 * make a `Progress` with a store of its own, and one of them would not know the jobs of the other.
 *
 * The value is kept on `globalThis`, so all copies of this package in a process share it. A change of the code of
 * `make` takes effect when the process is started again.
 *
 * @param name - Names the value in this process, such as `"progress"`.
 * @param make - Called at once if there is no value yet. If it throws, nothing is kept, and the next call tries again.
 * A promise is kept like any other value, even if it rejects.
 * @throws ProgressError `invalid-option` if `name` is not a string, or if `make` is not a function. The error of
 * `make`.
 * @example
 * ```ts
 * export const progress = singleton("progress", () => createProgress({ store: memoryStore(), authorize }));
 * ```
 */
export function singleton<Value>(name: string, make: () => Value): Value {
  const { invalid } = checksFor("singleton", 'singleton("progress", () => createProgress({ … }))');
  if (typeof name !== "string" || name === "") throw invalid("name", name, "a string");
  if (typeof make !== "function") throw invalid("make", make, "a function that returns the value");
  const key = Symbol.for(`@emlinh/progress-server singleton ${name}`);
  const values = globalThis as unknown as Record<symbol, Value>;
  if (!(key in values)) values[key] = make();
  return values[key] as Value;
}
