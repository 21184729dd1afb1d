import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import { invalidOption } from "../../transports/invalid-option.js";

/**
 * The JSON of an input.
 *
 * @throws {@link ProgressError} `invalid-option`, naming the first member that JSON would change or lose: a form, a
 * file, a `Map`, any other instance of a class without `toJSON`, a function, `NaN`, a `BigInt`, a cycle.
 */
export function inputText(input: unknown): string {
  /** The objects around the present member, the innermost first. */
  const holders: { readonly value: unknown; readonly path: string }[] = [];

  /** `JSON.stringify` calls it with the holder as `this`, and with the return value of `toJSON` if there is one. */
  function checked(this: unknown, name: string, value: unknown): unknown {
    while (holders.length > 0 && holders[0]?.value !== this) holders.shift();
    const [holder] = holders;
    const path = holder ? `${holder.path}.${name}` : "input";
    const isCycle = holders.some((outer) => outer.value === value);
    const fits = holder ? isJson(value, Array.isArray(this)) : isPlainObject(value);
    if (isCycle || !fits) {
      const wanted = holder
        ? "a value of JSON"
        : "a plain object, such as Object.fromEntries(form)";
      throw invalidOption(path, isCycle ? "a cycle" : nameOf(value), wanted);
    }
    if (value === Object(value)) holders.unshift({ value, path });
    return value;
  }

  try {
    return JSON.stringify(input, checked);
  } catch (cause) {
    if (isProgressError(cause)) throw cause;
    const message =
      'The option "input" must be JSON, but reading it threw an error; see the cause.';
    throw new ProgressError("invalid-option", { message, cause });
  }
}

/** Whether JSON keeps a value. It leaves out a member that is `undefined`, but writes `null` for such an element. */
function isJson(value: unknown, isElement: boolean): boolean {
  if (value === undefined) return !isElement;
  if (typeof value === "number") return Number.isFinite(value);
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    Array.isArray(value) ||
    isPlainObject(value)
  );
}

/** Whether a value is an object that no class made. The object may come from another frame of the page. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameOf(value: unknown): unknown {
  if (typeof value === "function") return "a function";
  return value === Object(value) ? (value as object).constructor.name : value;
}
