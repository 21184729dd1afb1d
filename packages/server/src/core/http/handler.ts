import { type Delta, isEmpty, type PollReply, toWire } from "@emlinh/progress-protocol";
import { asProgressError, draining } from "../../shared/errors.js";
import { askPermission, type Permission } from "../authorize.js";
import type { Hub } from "../hub/hub.js";
import type { Jobs } from "../jobs.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import type { SweepReport } from "../store.js";
import { bodyAnswer, emptyAnswer, etagOf, headOf, matchesEtag, streamAnswer } from "./answers.js";
import { holdPoll } from "./poll.js";
import { isRefusal, refusalAnswer } from "./refusal.js";
import { actionOf, type ProgressRequest, readRequest } from "./request.js";
import { openSubscription } from "./subscription.js";
import type { Answer, BodyAnswer, RequestFacts, Subscription } from "./types.js";

/** Answers one request. Never rejects. */
export type Handle = (facts: RequestFacts) => Promise<Answer>;

/** The dependencies of a handler. */
export interface HandlerContext {
  readonly hub: Hub;
  readonly jobs: Jobs;
  readonly settings: Settings;
  sweep(): Promise<SweepReport>;
}

type RequestOf<Kind extends ProgressRequest["kind"]> = Extract<ProgressRequest, { kind: Kind }>;

/** A request that was read and authorized. */
interface Authorized<Kind extends ProgressRequest["kind"]> {
  readonly request: RequestOf<Kind>;
  readonly facts: RequestFacts;
  readonly permission: Permission;
}

/**
 * Turns request facts into a status, headers, and a body or a stream. The request is read first, then authorized, and
 * only then are jobs looked up (P44).
 *
 * @see docs/PROTOCOL.md, sections 5, 7 and 8
 */
export function createHandler(context: HandlerContext): Handle {
  return async (facts) => {
    let result: Answer;
    try {
      result = await answer(context, facts);
    } catch (error) {
      result = refuse(context.settings, error);
    }
    return facts.method === "HEAD" && result.kind === "body" ? headOf(result) : result;
  };
}

async function answer(context: HandlerContext, facts: RequestFacts): Promise<Answer> {
  const { hub, jobs, settings } = context;
  const request = readRequest(facts);
  if (isHeld(request) && hub.isDraining()) throw draining();
  const question = { action: actionOf(request), jobId: request.jobId, facts };
  const permission = await askPermission(settings.authorize, question, settings.clock());
  switch (request.kind) {
    case "stream":
      return answerStream(context, { request, facts, permission });
    case "delta":
      return answerDelta(context, { request, facts, permission });
    case "status":
      return answerStatus(context, request.jobId, facts);
    case "cancel": {
      const { id: jobId, status, cancelRequested } = await jobs.cancel(request.jobId);
      return bodyAnswer(202, { body: { jobId, status, cancelRequested } });
    }
    case "remove":
      await jobs.removeKnown(request.jobId);
      return emptyAnswer(204);
    case "cleanup":
      return bodyAnswer(200, { body: await context.sweep() });
  }
}

function isHeld(request: ProgressRequest): boolean {
  return request.kind === "stream" || (request.kind === "delta" && request.waitMs > 0);
}

async function answerStream(
  { hub, settings }: HandlerContext,
  { request, facts, permission }: Authorized<"stream">,
): Promise<Answer> {
  const { jobId, after } = request;
  const { signal } = facts;
  const handle = await hub.join(jobId, { cursor: after, isStream: true });
  const { topic } = handle;
  if (topic.replica.done && topic.replica.cursor === after) {
    handle.leave();
    return emptyAnswer(204);
  }
  let close = handle.leave;
  signal.addEventListener("abort", () => close(), { once: true });
  if (signal.aborted) close();
  return streamAnswer((sink) => {
    // A client that left before its subscription began has given the handle back already.
    if (signal.aborted) return CLOSED_SUBSCRIPTION;
    const { until } = permission;
    const subscription = openSubscription(sink, { hub, handle, settings, cursor: after, until });
    close = subscription.closed;
    return subscription;
  });
}

const CLOSED_SUBSCRIPTION: Subscription = { drained: () => {}, closed: () => {} };

async function answerDelta(
  context: HandlerContext,
  authorized: Authorized<"delta">,
): Promise<Answer> {
  const delta = await readDelta(context, authorized);
  const headers = { etag: etagOf(delta.cursor) };
  const ifNoneMatch = authorized.facts.header("if-none-match");
  if (isEmpty(delta) && matchesEtag(ifNoneMatch, delta.cursor)) return emptyAnswer(304, headers);
  const body: PollReply = { ...toWire(delta), now: context.settings.clock() };
  return bodyAnswer(200, { headers, body });
}

async function readDelta(
  { hub, jobs, settings }: HandlerContext,
  { request, facts, permission }: Authorized<"delta">,
): Promise<Delta> {
  const { jobId, after, waitMs } = request;
  if (waitMs === 0 || after === undefined) return jobs.readAfter(jobId, after);
  const handle = await hub.join(jobId, { cursor: after, isStream: true });
  const allowedMs = Math.min(waitMs, settings.maxWaitMs, permission.until - settings.clock());
  const { signal } = facts;
  const delta = await holdPoll({ hub, handle, cursor: after, waitMs: allowedMs, signal });
  // For a job that was removed, the store knows whether the answer is `job-expired` or `job-not-found`.
  return delta ?? jobs.readAfter(jobId, after);
}

async function answerStatus(
  { jobs, settings }: HandlerContext,
  jobId: string,
  facts: RequestFacts,
): Promise<Answer> {
  const { cursor, ...state } = await jobs.read(jobId);
  const headers = { etag: etagOf(cursor) };
  if (matchesEtag(facts.header("if-none-match"), cursor)) return emptyAnswer(304, headers);
  return bodyAnswer(200, { headers, body: { ...state, cursor, now: settings.clock() } });
}

function refuse(settings: Settings, error: unknown): BodyAnswer {
  const known = asProgressError(error, "A request could not be answered.");
  const code = isRefusal(known) ? known.code : "internal";
  // A fault of this library, the app or the store has a cause that somebody must see. Other refusals are part of normal
  // operation.
  if (code === "internal" || code === "store-unavailable") settings.onError(known);
  return refusalAnswer(code, {
    // Only the message about the request itself is passed on: other messages may hold foreign text (P42).
    detail: code === "invalid-request" ? known.message : undefined,
    headers: code === "method-not-allowed" ? { allow: String(known.details.allow) } : {},
    retryMs: jitteredRetryMs(settings),
  });
}
