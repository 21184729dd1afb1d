import { type Cursor, JOB_ID, ProgressError, parseCursor } from "@emlinh/progress-protocol";
import type { AuthorizeRequest } from "../authorize.js";
import { wantedType } from "./accept.js";
import type { RequestFacts } from "./types.js";

/** A request, read from its method, path, query and headers. */
export type ProgressRequest =
  | { readonly kind: "stream"; readonly jobId: string; readonly after: Cursor | undefined }
  | {
      readonly kind: "delta";
      readonly jobId: string;
      readonly after: Cursor | undefined;
      /** Milliseconds for which the answer may be held; 0 for an answer at once. */
      readonly waitMs: number;
    }
  | { readonly kind: "status" | "cancel" | "remove"; readonly jobId: string }
  | { readonly kind: "cleanup" };

/** The question that the app is asked about a request. */
export function questionOf(request: ProgressRequest, facts: RequestFacts): AuthorizeRequest {
  if (request.kind === "cleanup") return { action: request.kind, facts };
  const { kind, jobId } = request;
  return { action: kind === "cancel" || kind === "remove" ? kind : "watch", jobId, facts };
}

/**
 * Reads a request (section 5 of the protocol).
 *
 * @throws ProgressError `invalid-request`, `not-found`, `method-not-allowed` (its `details.allow` names the methods) or
 * `not-acceptable`.
 */
export function readRequest(facts: RequestFacts): ProgressRequest {
  const [first, second, ...more] = segmentsOf(facts.path);
  if (first === undefined || more.length > 0) throw noSuchPath(facts.path);
  if (second === undefined) {
    // A job may have the id "cleanup": only POST means the sweep.
    if (first === "cleanup" && facts.method === "POST") return { kind: "cleanup" };
    requireMethod(facts, ["GET", "HEAD", "DELETE"]);
    const jobId = jobIdOf(first);
    return facts.method === "DELETE" ? { kind: "remove", jobId } : readWatch(facts, jobId);
  }
  if (second === "status") requireMethod(facts, ["GET", "HEAD"]);
  else if (second === "cancel") requireMethod(facts, ["POST"]);
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

function jobIdOf(text: string): string {
  if (JOB_ID.test(text)) return text;
  const rule = 'it must be 1 to 128 letters, digits, "_" and "-"';
  throw malformed(`The job id is ${quoted(text)}; ${rule}.`);
}

function readWatch(facts: RequestFacts, jobId: string): ProgressRequest {
  const after = requestedCursor(facts);
  const waitMs = waitOf(facts);
  if (wantedType(facts.header("accept")) === "stream") return { kind: "stream", jobId, after };
  return { kind: "delta", jobId, after, waitMs };
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

function waitOf({ query }: RequestFacts): number {
  const wait = query.get("wait") ?? "0";
  if (/^\d{1,9}(\.\d{1,9})?$/.test(wait)) return Number(wait) * 1000;
  throw malformed(`The query parameter "wait" is ${quoted(wait)}; it must be a number of seconds.`);
}

function malformed(message: string, cause?: unknown): ProgressError {
  return new ProgressError("invalid-request", { message, status: 400, cause });
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

const MAX_QUOTED_LENGTH = 200;

/** Text of a request as a refusal quotes it (P42): bounded, on one line, and of printable ASCII. */
function quoted(text: string): string {
  const cut = text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}...` : text;
  return JSON.stringify(cut).replace(/[^ -~]/g, "?");
}
