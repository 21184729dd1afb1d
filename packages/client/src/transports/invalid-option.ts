import { ProgressError } from "@emlinh/progress-protocol";

/** The error for an option that has a wrong value. @param wanted - A description of the right values. */
export function invalidOption(name: string, value: unknown, wanted: string): ProgressError {
  const message = `The option "${name}" must be ${wanted}, but it is ${printed(value)}.`;
  return new ProgressError("invalid-option", { message });
}

/** A wrong value as a message shows it: objects and functions by their kind only. */
function printed(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value && !Array.isArray(value)) return "an object";
  const text = String(value);
  return `"${text.slice(0, 130)}${text.length > 130 ? "…" : ""}"`;
}
