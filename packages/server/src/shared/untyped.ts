import { unknownMember } from "./member-names.js";

/*
 * Values of untyped code. Each may be a proxy or have getters, and these may throw anything.
 */

/** Whether a value is an object with members: no array, `Map`, `Date` or error. Never throws. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && tagOf(value) === "[object Object]";
}

/**
 * Whether a value is an object literal: a {@link isRecord | record} that is no instance of a class. Literals of another
 * realm, such as a test runner's, are recognized.
 */
export function isLiteral(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The class of an object by its own account; `undefined` for a proxy that throws. */
function tagOf(value: object): string | undefined {
  try {
    // The second look-up fails for a proxy whose prototype can't be read.
    Object.getPrototypeOf(value);
    return Object.prototype.toString.call(value);
  } catch {
    return undefined;
  }
}

/**
 * Called for a value that is left out because it can't be stored.
 *
 * @param kind - Identifies the fault, so that it can be reported once.
 * @param cause - The error that reading the value threw.
 */
export type Refuse = (kind: string, message: string, cause?: unknown) => void;

/** The members to read, and the name of the method that was given them. */
export interface WantedMembers {
  readonly method: string;
  readonly names: readonly string[];
  readonly refuse: Refuse;
}

/**
 * Reads the members of an object that a method was given. A member that is unknown or can't be read is refused and left
 * out; the others are returned.
 */
export function readMembers(
  value: unknown,
  { method, names, refuse }: WantedMembers,
): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) {
    const known = names.map((name) => `"${name}"`).join(", ");
    const fault = `${method} was called with ${shown(value)}`;
    refuse(method, `${fault}; it must be an object with the members ${known}.`);
    return {};
  }
  const unknown = unknownMember(value, names);
  if (unknown !== undefined) refuse(`${method} ${unknown}`, `${method} has no member ${unknown}`);
  const members: Record<string, unknown> = {};
  for (const name of names) {
    try {
      members[name] = value[name];
    } catch (cause) {
      refuse(name, `${name} could not be read, so it is left out.`, cause);
    }
  }
  return members;
}

/** A wrong value as it is shown in a message. Never throws. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.slice(0, 100));
    case "function":
      return "a function";
    case "object":
      if (value === null) return "null";
      return isRecord(value) ? "an object" : shownObject(value);
    default:
      return String(value).slice(0, 100);
  }
}

function shownObject(value: object): string {
  const name = tagOf(value)?.slice("[object ".length, -1);
  if (name === undefined) return "an object that can't be read";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
}
