import type { Answer, RequestFacts } from "../core/http/types.js";
import { checksFor } from "../shared/option-checks.js";

/**
 * The part of `Progress` that an adapter needs.
 *
 * @typeParam Raw - The request that its `authorize` takes.
 */
export interface ProgressHandler<Raw = unknown> {
  /** Answers one request. Never rejects. */
  handle(facts: RequestFacts<Raw>): Promise<Answer>;
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

/**
 * A progress whose `authorize` takes the requests of a framework, possibly beside those of others. `Raw` may have more
 * members than the framework's request: those that the app's middleware adds.
 */
export type ProgressFor<FrameworkRequest, Raw> = ProgressHandler<Raw> &
  ([Extract<Raw, FrameworkRequest>] extends [never] ? ProgressHandler<FrameworkRequest> : unknown);
