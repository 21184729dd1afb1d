import { isProgressError, ProgressError } from "./error.js";
import type { Json } from "./json.js";

/** Levels of arrays and objects that a value may be nested in. `JSON.stringify` fails on some 4,000. */
export const MAX_DEPTH = 100;

/** A copy of a value that is JSON and nothing else. */
export interface CheckedValue {
  readonly value: Json;
  /** The bytes that it takes as JSON in UTF-8. */
  readonly bytes: number;
}

/** An array or object whose members are still to be copied. */
interface Container {
  readonly source: object;
  readonly copy: Json[] | Record<string, Json>;
  readonly depth: number;
  /** `undefined` for the value as a whole. */
  readonly parent: Container | undefined;
  /** The container that is copied after this one. */
  readonly next: Container | undefined;
  /** The key of this container in its parent, or the name of the value as a whole. */
  readonly key: string;
}

/**
 * Checks, copies and measures a value in one pass. The copy is what readers get: no later change of the original
 * reaches it. Members of objects that are `undefined` are left out, as in JSON; in arrays they are refused.
 *
 * It keeps a list instead of calling itself, and stops at `maxBytes`, so that no value can exhaust the call stack or
 * the memory, however deep it is and however often it contains the same object.
 *
 * @param name - Names the value in errors.
 * @throws {@link ProgressError} `invalid-change` for a value that JSON would change or can't represent, such as NaN, a
 * `Date`, a `Map` or a function; for more than {@link MAX_DEPTH} levels. `too-large` for more than `maxBytes`.
 */
export function checkedValue(value: unknown, name: string, maxBytes: number): CheckedValue {
  try {
    return copied(value, name, maxBytes);
  } catch (cause) {
    if (isProgressError(cause)) throw cause;
    // A getter or a proxy of the caller threw.
    throw invalidValue(name, "could not be read", cause);
  }
}

/** One pass through a value. */
interface Pass {
  /** Names the value in errors. */
  readonly name: string;
  readonly maxBytes: number;
  /** The first of the containers whose members are still to be copied. */
  pending: Container | undefined;
  bytes: number;
}

function copied(value: unknown, name: string, maxBytes: number): CheckedValue {
  const pass: Pass = { name, maxBytes, pending: undefined, bytes: 0 };
  const copy = copyOf(pass, undefined, name, value);
  while (pass.pending !== undefined) {
    const container: Container = pass.pending;
    pass.pending = container.next;
    copyMembers(pass, container);
  }
  return { value: copy, bytes: pass.bytes };
}

/** Counts bytes, and stops the pass at the bound. */
function count(pass: Pass, bytes: number): void {
  pass.bytes += bytes;
  if (pass.bytes > pass.maxBytes) throw tooLarge(`The value of "${pass.name}"`, pass.maxBytes);
}

/** Copies the members of a container. Containers among them are added to `pending`. */
function copyMembers(pass: Pass, container: Container): void {
  const { source, copy } = container;
  if (Array.isArray(copy)) {
    const { length } = source as readonly unknown[];
    for (let index = 0; index < length; index += 1) {
      if (index > 0) count(pass, 1);
      const value = (source as readonly unknown[])[index];
      copy.push(copyOf(pass, container, String(index), value));
    }
    return;
  }
  let isFirst = true;
  for (const key of Object.keys(source)) {
    const value = (source as Readonly<Record<string, unknown>>)[key];
    if (value === undefined) continue;
    // The colon, and a comma after the member before.
    count(pass, textBytes(key, pass.maxBytes) + (isFirst ? 1 : 2));
    setMember(copy, key, copyOf(pass, container, key, value));
    isFirst = false;
  }
}

/** The copy of one member: final if it is a primitive, else empty and on the list. */
function copyOf(pass: Pass, parent: Container | undefined, key: string, value: unknown): Json {
  switch (typeof value) {
    case "string":
      count(pass, textBytes(value, pass.maxBytes));
      return value;
    case "boolean":
      count(pass, value ? 4 : 5);
      return value;
    case "number":
      if (!Number.isFinite(value)) throw invalidMember(parent, key, `is ${value}`);
      count(pass, String(value).length);
      // JSON has no -0.
      return value === 0 ? 0 : value;
    case "object":
      count(pass, value === null ? 4 : 2);
      return value === null ? null : containerOf(pass, parent, key, value);
    default:
      throw invalidMember(parent, key, `is of the type ${typeof value}`);
  }
}

function containerOf(pass: Pass, parent: Container | undefined, key: string, source: object): Json {
  const isArray = Array.isArray(source);
  if (!isPlain(source, isArray ? "[object Array]" : "[object Object]"))
    throw invalidMember(parent, key, `is a ${kindOf(source)}`);
  const depth = (parent?.depth ?? 0) + 1;
  if (depth > MAX_DEPTH)
    throw invalidMember(
      parent,
      key,
      `is nested in more than ${MAX_DEPTH} levels, or contains itself`,
    );
  const copy = isArray ? [] : {};
  pass.pending = { source, copy, depth, parent, next: pass.pending, key };
  return copy;
}

/** Whether JSON keeps all of a container: one with own members, and without a `toJSON` that replaces it. */
function isPlain(value: object, tag: string): boolean {
  return (
    Object.prototype.toString.call(value) === tag &&
    typeof (value as { readonly toJSON?: unknown }).toJSON !== "function"
  );
}

function kindOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  return tag === "Object" || tag === "Array"
    ? `${value.constructor?.name ?? "object"} with a toJSON method`
    : tag;
}

/** A key may be `__proto__`, which an assignment would take for the prototype. */
function setMember(copy: Record<string, Json>, key: string, value: Json): void {
  if (key === "__proto__")
    Object.defineProperty(copy, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else copy[key] = value;
}

/** Printable ASCII without `"` and `\`, which takes one byte per character. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

const encoder = new TextEncoder();

/** The bytes of a string as JSON in UTF-8. A string that is longer than the bound is not encoded to count them. */
function textBytes(text: string, maxBytes: number): number {
  if (text.length > maxBytes) return text.length;
  if (isPlainText(text)) return text.length + 2;
  return encoder.encode(JSON.stringify(text)).length;
}

/** A loop is faster than the expression for a short text, as most keys are. */
function isPlainText(text: string): boolean {
  if (text.length > 16) return PLAIN_TEXT.test(text);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

/** The error for something that takes more bytes than it may. */
export function tooLarge(what: string, maxBytes: number): ProgressError {
  return new ProgressError("too-large", {
    message:
      `${what} takes more than ${maxBytes} bytes of JSON. ` +
      "Store the data elsewhere and report its URL.",
    status: 413,
    details: { maxBytes },
  });
}

function invalidMember(parent: Container | undefined, key: string, fault: string): ProgressError {
  const path = [key];
  for (let at = parent; at !== undefined; at = at.parent) path.unshift(at.key);
  // The path of a deep value, or a long key, would fill the message.
  const short = path.slice(0, 8).map((name) => (name.length > 64 ? `${name.slice(0, 64)}…` : name));
  const shown = path.length > 8 ? [...short, "…"] : short;
  return invalidValue(shown.join("."), fault);
}

function invalidValue(name: string, fault: string, cause?: unknown): ProgressError {
  return new ProgressError("invalid-change", {
    message:
      `The value of "${name}" ${fault}. Use plain JSON values: null for no value, ` +
      "a number of milliseconds or toISOString() for a Date, Object.fromEntries() for a Map.",
    details: { name },
    cause,
  });
}
