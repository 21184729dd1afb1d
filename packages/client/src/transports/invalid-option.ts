import { ProgressError } from "@emlinh/progress-protocol";

/** The error for an option that has a wrong value. @param wanted - A description of the right values. */
export function invalidOption(name: string, value: unknown, wanted: string): ProgressError {
  const message = `The option "${name}" must be ${wanted}, but it is "${String(value)}".`;
  return new ProgressError("invalid-option", { message });
}
