import { ProgressError } from "@emlinh/progress-protocol";
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

/** Decides about each request. If it throws, the request is refused with `internal`, and `onError` gets the cause. */
export type Authorize = (request: AuthorizeRequest) => Decision | Promise<Decision>;

/**
 * Allows everybody who knows a job's id to watch and cancel it; the ids that the server creates can't be guessed. No
 * other action is allowed.
 */
export const allowAnyone: Authorize = ({ action }) => action === "watch" || action === "cancel";

/** A permission that was given. */
export interface Permission {
  /** Milliseconds since the epoch, or `Infinity`. */
  readonly until: number;
}

/**
 * Asks the app.
 *
 * @throws ProgressError `not-authenticated`, `forbidden`, or `internal` if the app threw or returned no decision.
 */
export async function askPermission(
  authorize: Authorize,
  request: AuthorizeRequest,
  now: number,
): Promise<Permission> {
  const decision = await decisionOf(authorize, request);
  if (decision === true) return { until: Number.POSITIVE_INFINITY };
  if (decision === false) throw denied("forbidden", request);
  if (decision.allow !== true) throw denied(decision.reason ?? "forbidden", request);
  const until = decision.until ?? Number.POSITIVE_INFINITY;
  if (until > now) return { until };
  throw denied("not-authenticated", request);
}

async function decisionOf(authorize: Authorize, request: AuthorizeRequest): Promise<Decision> {
  let decision: unknown;
  try {
    decision = await authorize(request);
  } catch (cause) {
    throw new ProgressError("internal", {
      message: `authorize threw for the action "${request.action}".`,
      status: 500,
      cause,
    });
  }
  if (isDecision(decision)) return decision;
  throw new ProgressError("internal", {
    message:
      `authorize returned ${String(decision)} for the action "${request.action}"; ` +
      "it must return true, false or { allow, … }.",
    status: 500,
  });
}

/** A missing `return` must neither allow a request nor look like a decision to deny it. */
function isDecision(value: unknown): value is Decision {
  if (typeof value === "boolean") return true;
  const { allow, until } = (value ?? {}) as { allow?: unknown; until?: unknown };
  if (typeof allow !== "boolean") return false;
  return until === undefined || (typeof until === "number" && !Number.isNaN(until));
}

function denied(
  code: "not-authenticated" | "forbidden",
  { action }: AuthorizeRequest,
): ProgressError {
  return new ProgressError(code, {
    message: `The app did not allow the action "${action}".`,
    status: code === "forbidden" ? 403 : 401,
  });
}
