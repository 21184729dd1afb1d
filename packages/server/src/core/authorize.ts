import type { RequestFacts } from "./http/types.js";

/**
 * The action of a request. `list` is for those whose jobs a subject has. `report`, `remove` and `cleanup` are for
 * workers and operators, never for the public.
 */
export type Action = "watch" | "list" | "cancel" | "report" | "remove" | "cleanup";

/** The question that the app answers. Its `action` tells which other members it has. */
export type AuthorizeRequest<Raw = unknown> =
  | AuthorizeJob<Raw>
  | AuthorizeList<Raw>
  | AuthorizeCleanup<Raw>;

/** A question about one job. A request for many jobs leads to one question for each of them, all at the same time. */
export interface AuthorizeJob<Raw = unknown> {
  readonly action: Exclude<Action, "list" | "cleanup">;
  /**
   * Well-formed, but possibly of no job: the app is asked before the job is looked up, so that a stranger can't learn
   * which jobs exist (P44).
   */
  readonly jobId: string;
  readonly subject?: undefined;
  /** `facts.raw` is the framework's own request, with the properties that the app's middleware added. */
  readonly facts: RequestFacts<Raw>;
}

/**
 * A question about the list of a subject. To be allowed to list is to be allowed to watch each job in the list, also
 * one that joins it later (P66).
 */
export interface AuthorizeList<Raw = unknown> {
  readonly action: "list";
  /** Well-formed, but possibly without jobs. Subjects such as `user:42` can be guessed, so compare it with the user. */
  readonly subject: string;
  readonly jobId?: undefined;
  readonly facts: RequestFacts<Raw>;
}

/** A question about the store as a whole. */
export interface AuthorizeCleanup<Raw = unknown> {
  readonly action: "cleanup";
  /** Never present: it lets `authorize` name the members of every question in its parameter. */
  readonly jobId?: undefined;
  readonly subject?: undefined;
  readonly facts: RequestFacts<Raw>;
}

/**
 * The app's answer. `false` is 403. `until`, in milliseconds since the epoch, is when the permission ends: a stream is
 * closed before that, and its reader is asked to reconnect with fresh credentials. `principal` says who asks, such as
 * the id of a user or a session, in 1 to 256 characters: `maxStreamsPerPrincipal` counts by it, and `disconnect` finds
 * the open streams by it. A request for many jobs has each principal that its answers name.
 */
export type Decision =
  | boolean
  | {
      readonly allow: true;
      readonly until?: number | undefined;
      readonly principal?: string | undefined;
    }
  | { readonly allow: false; readonly reason?: "not-authenticated" | "forbidden" | undefined };

/**
 * Decides about each request. If it throws, the request is refused with `internal`, and if it does not answer within
 * `authorizeTimeoutMs`, with `authorize-timed-out`. `onError` gets the error in both cases.
 *
 * @typeParam Raw - The framework's request with the properties that the app's middleware adds. An `authorize` that
 * does not read `facts.raw` needs none, and fits every adapter.
 * @example
 * ```ts
 * const authorize: Authorize<express.Request> = ({ action, jobId, subject, facts }) => {
 *   if (action === "cleanup") return false;
 *   const { user } = facts.raw;
 *   return action === "list" ? subject === `user:${user.id}` : isOwner(user, jobId);
 * };
 * ```
 */
export type Authorize<Raw = unknown> = (
  request: AuthorizeRequest<Raw>,
) => Decision | Promise<Decision>;

/**
 * Allows everybody who knows a job's id to watch and cancel it; the ids that the server creates can't be guessed. No
 * other action is allowed, and no `list`: a subject can be guessed.
 */
export const allowAnyone: Authorize = (request) =>
  // Without a request it was called in place of being passed, and the result is refused as an option.
  request?.action === "watch" || request?.action === "cancel";

/** A permission that was given. */
export interface Permission {
  /** Milliseconds since the epoch, or `Infinity`. */
  readonly until: number;
  /** Who asked, as far as the app said so: several only for several targets. */
  readonly principals: readonly string[];
}
