import type { Answer, RequestFacts } from "../core/http/types.js";

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
 * A progress whose `authorize` takes the requests of a framework, possibly beside those of others. `Raw` may have more
 * members than the framework's request: those that the app's middleware adds.
 */
export type ProgressFor<FrameworkRequest, Raw> = ProgressHandler<Raw> &
  ([Extract<Raw, FrameworkRequest>] extends [never] ? ProgressHandler<FrameworkRequest> : unknown);
