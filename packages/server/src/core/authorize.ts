import type { RequestFacts } from "./http/types.js";

/** The action of a request. `report`, `remove` and `cleanup` are for workers and operators, never for the public. */
export type Action = "watch" | "cancel" | "report" | "remove" | "cleanup";

/** The question that the app answers. Its `action` tells which other members it has. */
export type AuthorizeRequest<Raw = unknown> = AuthorizeJob<Raw> | AuthorizeCleanup<Raw>;

/** A question about one job. */
export interface AuthorizeJob<Raw = unknown> {
  readonly action: Exclude<Action, "cleanup">;
  /**
   * Well-formed, but possibly of no job: the app is asked before the job is looked up, so that a stranger can't learn
   * which jobs exist (P44).
   */
  readonly jobId: string;
  /** `facts.raw` is the framework's own request, with the properties that the app's middleware added. */
  readonly facts: RequestFacts<Raw>;
}

/** A question about the store as a whole. */
export interface AuthorizeCleanup<Raw = unknown> {
  readonly action: "cleanup";
  /** Never present: it lets `authorize` name the members of every question in its parameter. */
  readonly jobId?: undefined;
  readonly facts: RequestFacts<Raw>;
}

/**
 * The app's answer. `false` is 403. `until`, in milliseconds since the epoch, is when the permission ends: a stream is
 * closed before that, and its reader is asked to reconnect with fresh credentials.
 */
export type Decision =
  | boolean
  | { readonly allow: true; readonly until?: number | undefined }
  | { readonly allow: false; readonly reason?: "not-authenticated" | "forbidden" | undefined };

/**
 * Decides about each request. If it throws, the request is refused with `internal`, and if it does not answer within
 * `authorizeTimeoutMs`, with `authorize-timed-out`. `onError` gets the error in both cases.
 *
 * @typeParam Raw - The framework's request with the properties that the app's middleware adds. An `authorize` that
 * does not read `facts.raw` needs none, and fits every adapter.
 * @example
 * ```ts
 * const authorize: Authorize<express.Request> = ({ action, jobId, facts }) =>
 *   action !== "cleanup" && isOwner(facts.raw.headers.authorization, jobId);
 * ```
 */
export type Authorize<Raw = unknown> = (
  request: AuthorizeRequest<Raw>,
) => Decision | Promise<Decision>;

/**
 * Allows everybody who knows a job's id to watch and cancel it; the ids that the server creates can't be guessed. No
 * other action is allowed.
 */
export const allowAnyone: Authorize = (request) =>
  // Without a request it was called in place of being passed, and the result is refused as an option.
  request?.action === "watch" || request?.action === "cancel";

/** A permission that was given. */
export interface Permission {
  /** Milliseconds since the epoch, or `Infinity`. */
  readonly until: number;
}
