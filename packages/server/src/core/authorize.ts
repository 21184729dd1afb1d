import type { RequestFacts } from "./http/types.js";

/** The action of a request. `report`, `remove` and `cleanup` are for workers and operators, never for the public. */
export type Action = "watch" | "cancel" | "report" | "remove" | "cleanup";

/** The question that the app answers. */
export interface AuthorizeRequest {
  readonly action: Action;
  /**
   * Well-formed, but possibly of no job: the app is asked before the job is looked up, so that a stranger can't learn
   * which jobs exist (P44). `undefined` for `cleanup`.
   */
  readonly jobId: string | undefined;
  /** `facts.raw` is the framework's own request, with the properties that the app's middleware added. */
  readonly facts: RequestFacts;
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
 */
export type Authorize = (request: AuthorizeRequest) => Decision | Promise<Decision>;

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
