import { type Cursor, ProgressError, parseCursor } from "@emlinh/progress-protocol";
import type { AuthorizeRequest } from "../authorize.js";
import { wantedType } from "./accept.js";
import { readTargets, type TargetLimits, type Targets } from "./many/read-targets.js";
import { jobIdOf, malformed, quoted, waitOf } from "./request-parts.js";
import type { RequestFacts } from "./types.js";

/** A request for many jobs (section 17 of the protocol). */
export interface ManyRequest extends Targets {
  readonly kind: "many-stream" | "many-poll";
  /** Milliseconds for which the answer may be held; 0 for an answer at once, and for a stream. */
  readonly waitMs: number;
}

/** A request, read from its method, path, query and headers. */
export type ProgressRequest = JobRequest | ManyRequest;

/** A request about one job, or about the store as a whole. */
export type JobRequest =
  | { readonly kind: "stream"; readonly jobId: string; readonly after: Cursor | undefined }
  | {
      readonly kind: "delta";
      readonly jobId: string;
      readonly after: Cursor | undefined;
      /** Milliseconds for which the answer may be held; 0 for an answer at once. */
      readonly waitMs: number;
    }
  | { readonly kind: "status" | "cancel" | "remove" | "updates"; readonly jobId: string }
  | { readonly kind: "cleanup" };

export function isMany(request: ProgressRequest): request is ManyRequest {
  return request.kind === "many-stream" || request.kind === "many-poll";
}

const ACTIONS = {
  stream: "watch",
  delta: "watch",
  status: "watch",
  cancel: "cancel",
  remove: "remove",
  updates: "report",
} as const;

/** The question that the app is asked about a request. */
export function questionOf(request: JobRequest, facts: RequestFacts): AuthorizeRequest {
  if (request.kind === "cleanup") return { action: request.kind, facts };
  const { kind, jobId } = request;
  return { action: ACTIONS[kind], jobId, facts };
}

/**
 * Reads a request (section 5 of the protocol).
 *
 * @throws ProgressError `invalid-request`, `not-found`, `method-not-allowed` (its `details.allow` names the methods),
 * `not-acceptable`, `too-many-targets`, `url-too-long`
 */
export function readRequest(facts: RequestFacts, limits: TargetLimits): ProgressRequest {
  const [first, second, ...more] = segmentsOf(facts.path);
  if (more.length > 0) throw noSuchPath(facts.path);
  if (first === undefined) {
    requireMethod(facts, ["GET", "HEAD"]);
    return readMany(facts, limits);
  }
  if (second === undefined) {
    // A job may have the id "cleanup": only POST means the sweep.
    if (first === "cleanup" && facts.method === "POST") return { kind: "cleanup" };
    requireMethod(facts, ["GET", "HEAD", "DELETE"]);
    const jobId = jobIdOf(first);
    return facts.method === "DELETE" ? { kind: "remove", jobId } : readWatch(facts, jobId);
  }
  if (second === "status") requireMethod(facts, ["GET", "HEAD"]);
  else if (second === "cancel" || second === "updates") requireMethod(facts, ["POST"]);
  else throw noSuchPath(facts.path);
  return { kind: second, jobId: jobIdOf(first) };
}

function segmentsOf(path: string): readonly string[] {
  try {
    return path
      .split("/")
      .filter((segment, index, all) => segment !== "" || (index > 0 && index < all.length - 1))
      .map(decodeURIComponent);
  } catch (cause) {
    throw malformed("The path has a malformed percent-encoding.", cause);
  }
}

function requireMethod({ method, path }: RequestFacts, allow: readonly string[]): void {
  if (allow.includes(method)) return;
  throw new ProgressError("method-not-allowed", {
    message: `${quoted(method)} is not allowed for ${shownPath(path)}; use ${allow.join(", ")}.`,
    status: 405,
    details: { allow: allow.join(", ") },
  });
}

function readWatch(facts: RequestFacts, jobId: string): ProgressRequest {
  const after = requestedCursor(facts);
  const waitMs = waitOf(facts);
  if (wantedType(facts.header("accept")) === "stream") return { kind: "stream", jobId, after };
  return { kind: "delta", jobId, after, waitMs };
}

function readMany(facts: RequestFacts, limits: TargetLimits): ManyRequest {
  const targets = readTargets(facts, limits);
  const waitMs = waitOf(facts);
  const isStream = wantedType(facts.header("accept")) === "stream";
  if (targets.before !== undefined && (isStream || waitMs > 0 || targets.subjects.length !== 1))
    throw malformed('"before" is for one subject, as JSON and without "wait".');
  return isStream
    ? { ...targets, kind: "many-stream", waitMs: 0 }
    : { ...targets, kind: "many-poll", waitMs };
}

/**
 * The header is newer than the URL, because a native EventSource repeats its first URL for ever. `lastEventId` is newer
 * than `after`, because reconnecting readers without headers add it to their first URL (P23). A malformed cursor counts
 * as none (P18).
 */
function requestedCursor(facts: RequestFacts): Cursor | undefined {
  const { query } = facts;
  const text = facts.header("last-event-id") || query.get("lastEventId") || query.get("after");
  return text && parseCursor(text) ? text : undefined;
}

function noSuchPath(path: string): ProgressError {
  return new ProgressError("not-found", {
    message:
      `Nothing is served at ${shownPath(path)} below the path where the handler is mounted; ` +
      "jobs are served at {base}/{jobId}.",
    status: 404,
  });
}

/** The path of a URL as a refusal shows it, without the query: that may hold credentials. */
export function shownPath(url: string): string {
  return quoted(url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").split(/[?#]/, 1)[0] ?? "");
}
