import { withoutPasswords } from "@emlinh/progress-protocol";
import { listed, unknownMember } from "./member-names.js";

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
 * out, and so is one that is `undefined`; the others are returned.
 */
export function readMembers(
  value: unknown,
  { method, names, refuse }: WantedMembers,
): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) {
    const fault = `${method} was called with ${shown(value)}`;
    refuse(method, `${fault}; it must be an object with the members ${listed(names)}.`);
    return {};
  }
  const unknown = unknownMember(value, names);
  if (unknown !== undefined) refuse(`${method} ${unknown}`, `${method} has no member ${unknown}`);
  const members: Record<string, unknown> = {};
  for (const name of names) {
    try {
      const member = value[name];
      if (member !== undefined) members[name] = member;
    } catch (cause) {
      refuse(name, `${name} could not be read, so it is left out.`, cause);
    }
  }
  return members;
}

const MAX_SHOWN_LENGTH = 100;

/**
 * A wrong value as it is shown in a message: never the source of a function, the members of an object or a password. It
 * reads as part of a sentence: `store is the function "memoryStore", which was not called`. Never throws.
 */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(shortened(withoutPasswords(value.slice(0, 10 * MAX_SHOWN_LENGTH))));
    case "function":
      return shownFunction(value);
    case "object":
      if (value === null) return "null";
      return isRecord(value) ? shownRecord(value) : shownObject(value);
    default:
      return shortened(String(value));
  }
}

function shortened(text: string): string {
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text;
}

function shownFunction(value: object): string {
  const name = nameOf(value);
  if (name === undefined) return "a function that was not called";
  return /^class\b/.test(sourceOf(value))
    ? `the class "${name}", not an instance of it`
    : `the function "${name}", which was not called`;
}

function shownRecord(value: object): string {
  if (isLiteral(value)) return "an object";
  const name = nameOf(memberOf(value, "constructor"));
  return name === undefined ? "an object of a class" : `an instance of "${name}"`;
}

function shownObject(value: object): string {
  const name = tagOf(value)?.slice("[object ".length, -1);
  if (name === undefined) return "an object that can't be read";
  if (name === "Promise") return "a Promise that was not awaited";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${shortened(name)}`;
}

/** The name of a function or a class; `undefined` without one. */
function nameOf(value: unknown): string | undefined {
  if (typeof value !== "function") return undefined;
  const name = memberOf(value, "name");
  return typeof name === "string" && /^[\w$]{1,64}$/.test(name) ? name : undefined;
}

function sourceOf(value: object): string {
  try {
    return Function.prototype.toString.call(value);
  } catch {
    // A proxy that was revoked.
    return "";
  }
}

function memberOf(value: object, name: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>>)[name];
  } catch {
    // A getter or a proxy threw.
    return undefined;
  }
}
