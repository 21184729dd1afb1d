import { ProgressError } from "@emlinh/progress-protocol";
import type { RequestFacts } from "./http/types.js";

/** What a request wants to do. `report` and `cleanup` are for workers and operators, never for the public. */
export type Action = "watch" | "cancel" | "report" | "cleanup";

/** What the app is asked. */
export interface AuthorizeRequest {
  readonly action: Action;
  /** Of the right shape, but perhaps of no job: the app is asked first, so that strangers don't learn which jobs there are (P44). `undefined` for `cleanup`. */
  readonly jobId: string | undefined;
  /** `facts.raw` is the framework's own request, with whatever the app's middleware put on it. */
  readonly facts: RequestFacts;
}

/**
 * What the app answers. `false` is 403. `until`, in milliseconds since the epoch, is when the permission ends: a stream is closed before it,
 * and its reader asked to come back with fresh credentials.
 */
export type Decision =
  | boolean
  | { readonly allow: true; readonly until?: number | undefined }
  | { readonly allow: false; readonly reason?: "not-authenticated" | "forbidden" | undefined };

/** Decides on each request. A throw is a fault of the app's: the request is refused with `internal`, and `onError` told why. */
export type Authorize = (request: AuthorizeRequest) => Decision | Promise<Decision>;

/** Lets everybody who knows a job's id watch and cancel it; ids that the server makes can't be guessed. Nobody may report or clean up. */
export const allowAnyone: Authorize = ({ action }) => action === "watch" || action === "cancel";

/** Until when the request is allowed, in milliseconds since the epoch. */
export interface Permission {
  readonly until: number;
}

/**
 * Asks the app.
 *
 * @throws ProgressError `not-authenticated`, `forbidden`, or `internal` if the app threw, or gave no decision.
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
      message: `authorize threw when it was asked for "${request.action}".`,
      status: 500,
      cause,
    });
  }
  if (isDecision(decision)) return decision;
  throw new ProgressError("internal", {
    message: `authorize answered ${String(decision)} to "${request.action}"; it must answer true, false or { allow, … }.`,
    status: 500,
  });
}

/** What a forgotten `return` gives must not let anybody in, nor look like a decision against somebody. */
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
    message: `The app did not allow "${action}".`,
    status: code === "forbidden" ? 403 : 401,
  });
}
