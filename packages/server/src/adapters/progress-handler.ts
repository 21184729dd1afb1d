import type { Answer, RequestFacts } from "../core/http/types.js";
import { checksFor } from "../shared/option-checks.js";

/** The part of `Progress` that an adapter needs. */
export interface ProgressHandler {
  /** Answers one request. Never rejects. */
  handle(facts: RequestFacts): Promise<Answer>;
}

/**
 * Checks the first argument of an adapter.
 *
 * @param functionName - The adapter, for the error.
 * @throws ProgressError `invalid-option`
 */
export function requireProgress(functionName: string, progress: unknown): void {
  const isObject = typeof progress === "object" && progress !== null;
  if (!isObject || typeof Reflect.get(progress, "handle") !== "function")
    throw checksFor(functionName).invalid(
      "progress",
      progress,
      "the value that createProgress() returns",
    );
}
