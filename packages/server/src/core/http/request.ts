import { type Cursor, JOB_ID, ProgressError } from "@emlinh/progress-protocol";
import type { Action } from "../authorize.js";
import type { RequestFacts } from "./types.js";

/** What a request asks for. */
export type ProgressRequest =
  | { readonly kind: "stream"; readonly jobId: string; readonly after: Cursor | undefined }
  | {
      readonly kind: "delta";
      readonly jobId: string;
      readonly after: Cursor | undefined;
      /** Milliseconds; 0 for an answer at once. */
      readonly waitMs: number;
    }
  | { readonly kind: "status" | "cancel"; readonly jobId: string }
  | { readonly kind: "cleanup"; readonly jobId?: undefined };

/** What the app is asked about a request. */
export function actionOf({ kind }: ProgressRequest): Action {
  return kind === "cancel" || kind === "cleanup" ? kind : "watch";
}

/**
 * Reads a request (section 5 of the protocol).
 *
 * @throws ProgressError `invalid-request`, `not-found`, `method-not-allowed` (its `details.allow` names the methods) or `not-acceptable`.
 */
export function readRequest(facts: RequestFacts): ProgressRequest {
  const [first, second, ...more] = segmentsOf(facts.path);
  if (first === undefined || more.length > 0) throw noSuchPath(facts.path);
  if (second === undefined) {
    // A job may be named "cleanup": only POST means the other thing.
    if (first === "cleanup" && facts.method === "POST") return { kind: "cleanup" };
    requireMethod(facts, ["GET", "HEAD"]);
    return readWatch(facts, jobIdOf(first));
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
    throw malformed("The path is not percent-encoded as it should be.", cause);
  }
}

function requireMethod({ method }: RequestFacts, allow: readonly string[]): void {
  if (allow.includes(method)) return;
  throw new ProgressError("method-not-allowed", {
    message: `This path answers to ${allow.join(" and ")}, not to ${method}.`,
    status: 405,
    details: { allow: allow.join(", ") },
  });
}

function jobIdOf(text: string): string {
  if (JOB_ID.test(text)) return text;
  throw malformed('A job id is made of 1 to 128 letters, digits, "_" and "-".');
}

function readWatch(facts: RequestFacts, jobId: string): ProgressRequest {
  const after = cursorOf(facts);
  const waitMs = waitOf(facts);
  const wanted = wantedOf(facts.header("accept"));
  if (wanted === "stream" && facts.method !== "HEAD") return { kind: "stream", jobId, after };
  return { kind: "delta", jobId, after, waitMs: facts.method === "HEAD" ? 0 : waitMs };
}

/** The header is newer than the address: a native EventSource repeats its first URL for ever (P23). */
function cursorOf(facts: RequestFacts): Cursor | undefined {
  return facts.header("last-event-id") || facts.query.get("after") || undefined;
}

function waitOf({ query }: RequestFacts): number {
  const wait = query.get("wait") ?? "0";
  if (/^\d{1,9}(\.\d{1,9})?$/.test(wait)) return Number(wait) * 1000;
  throw malformed('"wait" is a number of seconds.');
}

/** P22. What has `q=0` is named to be refused. */
function wantedOf(accept: string | undefined): "stream" | "json" {
  if (accept === undefined || accept.trim() === "") return "json";
  const accepted = new Set(accept.split(",").map(mediaTypeOf));
  if (accepted.has("text/event-stream")) return "stream";
  if (["application/json", "application/*", "*/*"].some((type) => accepted.has(type)))
    return "json";
  throw new ProgressError("not-acceptable", {
    message: "A job is told as text/event-stream or application/json.",
    status: 406,
  });
}

function mediaTypeOf(range: string): string | undefined {
  const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? undefined : type;
}

function malformed(message: string, cause?: unknown): ProgressError {
  return new ProgressError("invalid-request", { message, status: 400, cause });
}

function noSuchPath(path: string): ProgressError {
  return new ProgressError("not-found", {
    message: `There is nothing at "${path}".`,
    status: 404,
  });
}
