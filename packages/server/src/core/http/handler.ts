import {
  type Delta,
  type ErrorCode,
  isEmpty,
  isProgressError,
  type PollReply,
  toWire,
} from "@emlinh/progress-protocol";
import { asProgressError, clientGone, draining } from "../../shared/errors.js";
import type { Permission } from "../authorize.js";
import type { RequestRefused } from "../hooks.js";
import { countRefusal } from "../metrics.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import { isGone } from "../request-client.js";
import { bodyAnswer, emptyAnswer, etagOf, headOf, matchesEtag, streamHead } from "./answers.js";
import { createAuthorizer } from "./authorizer.js";
import { readReport } from "./body.js";
import { type Context, type HandlerContext, heartbeatOf, heldMs } from "./context.js";
import { withCors } from "./cors.js";
import { refuseCrossSite } from "./cross-site.js";
import { openJobStream } from "./job-stream.js";
import { answerMany } from "./many/answer-many.js";
import { holdPoll } from "./poll.js";
import { createRecheck } from "./recheck.js";
import { detailOf, isRefusal, type RefusalAnswer, refusalAnswer } from "./refusal.js";
import { reportLimiter } from "./report-limiter.js";
import {
  isMany,
  type JobRequest,
  type ProgressRequest,
  questionOf,
  readRequest,
} from "./request.js";
import type { Answer, BodyAnswer, RequestFacts } from "./types.js";

/** Answers one request. Never rejects. */
export type Handle = (facts: RequestFacts) => Promise<Answer>;

type RequestOf<Kind extends JobRequest["kind"]> = Extract<JobRequest, { kind: Kind }>;

/** A request that was read and authorized. */
interface Authorized<Request extends JobRequest> {
  readonly request: Request;
  readonly facts: RequestFacts;
  readonly permission: Permission;
  /** `hub.revocations()` when the app was asked. */
  readonly revocations: number;
}

/**
 * Turns request facts into a status, headers, and a body or a stream. The request is read first, then authorized, and
 * only then are jobs looked up (P44).
 *
 * @see docs/PROTOCOL.md, sections 5, 7 and 8
 */
export function createHandler(handlerContext: HandlerContext): Handle {
  const { settings } = handlerContext;
  const authorizer = createAuthorizer(settings);
  const startRecheck = createRecheck(authorizer, settings);
  const limiter = reportLimiter(settings);
  const context = { ...handlerContext, authorizer, startRecheck, reportLimiter: limiter };
  return withCors(settings.cors, async (facts) => {
    const result = await answerOrRefuse(context, facts);
    if (result.kind === "stream") return result;
    const whole = facts.method === "HEAD" ? headOf(result) : result;
    return { ...whole, stallMs: settings.stallMs };
  });
}

async function answerOrRefuse(context: Context, facts: RequestFacts): Promise<Answer> {
  const { settings } = context;
  let request: ProgressRequest | undefined;
  try {
    request = readRequest(facts, settings);
    refuseCrossSite(facts, settings);
  } catch (error) {
    return refused(context, facts, refuseUnread(settings, error), request);
  }
  try {
    return await answer(context, request, facts);
  } catch (error) {
    if (isProgressError(error, "closed") && isGone(facts)) return emptyAnswer(CLIENT_GONE);
    return refused(context, facts, refuse(settings, error), request);
  }
}

/** Counts a refusal, and tells the app. */
function refused(
  { settings: { metrics, hooks } }: Context,
  facts: RequestFacts,
  refusal: RefusalAnswer,
  request: ProgressRequest | undefined,
): BodyAnswer {
  const { code, ...answer } = refusal;
  countRefusal(metrics, code);
  if (hooks.onRefusal !== undefined) {
    hooks.onRefusal({ code, status: answer.status, ...refusedQuestion(request, facts) });
  }
  return answer;
}

/** Of a request for many jobs there are as many questions as targets, so the hook gets the action of the first. */
function refusedQuestion(
  request: ProgressRequest | undefined,
  facts: RequestFacts,
): Pick<RequestRefused, "action" | "jobId"> {
  if (request === undefined) return {};
  if (isMany(request)) return { action: request.jobs.length > 0 ? "watch" : "list" };
  const { action, jobId } = questionOf(request, facts);
  return { action, jobId };
}

/** The status that nginx logs for a client that left before the answer. No one receives it. */
const CLIENT_GONE = 499;

async function answer(
  context: Context,
  request: ProgressRequest,
  facts: RequestFacts,
): Promise<Answer> {
  const { hub, authorizer } = context;
  if (isGone(facts)) throw clientGone();
  if (isMany(request)) return answerMany(context, request, facts);
  if (isHeld(request) && hub.isDraining()) throw draining();
  const revocations = hub.revocations();
  const asked = authorizer.ask(questionOf(request, facts));
  const permission = asked instanceof Promise ? await hub.wait(asked, facts) : asked;
  const authorized = { facts, permission, revocations };
  if (request.kind === "stream") return answerStream(context, { request, ...authorized });
  const result = await answerBody(context, { request, ...authorized });
  // The store may have taken longer than the permission lasts.
  authorizer.check(permission);
  return result;
}

function isHeld(request: JobRequest): boolean {
  return request.kind === "stream" || (request.kind === "delta" && request.waitMs > 0);
}

async function answerStream(
  context: Context,
  { request, facts, permission, revocations }: Authorized<RequestOf<"stream">>,
): Promise<Answer> {
  const { hub, jobs, settings, authorizer } = context;
  const { jobId, after } = request;
  if (facts.method === "HEAD") {
    const { done, cursor } = await jobs.readAfter(jobId, after);
    authorizer.check(permission);
    return done && cursor === after ? emptyAnswer(204) : streamHead();
  }
  const { until, principals } = permission;
  const handle = await hub.join(jobId, { cursor: after, client: facts, principals });
  if (hub.revocations() !== revocations) {
    // A disconnect came after the app was asked, and could not reach this stream yet.
    handle.leave();
    return answer(context, request, facts);
  }
  const { replica } = handle.topic;
  const hasEnd = replica.done && replica.cursor === after;
  if (hasEnd || until <= settings.clock()) handle.leave();
  authorizer.check(permission);
  if (hasEnd) return emptyAnswer(204);
  const heartbeatMs = heartbeatOf(settings, facts);
  const recheck = context.startRecheck?.([questionOf(request, facts)]);
  const start = { hub, handle, settings, cursor: after, until, principals, heartbeatMs, recheck };
  return openJobStream(start, facts);
}

function answerBody(
  context: Context,
  authorized: Authorized<Exclude<JobRequest, RequestOf<"stream">>>,
): Promise<BodyAnswer> {
  const { request, facts } = authorized;
  switch (request.kind) {
    case "delta":
      return answerDelta(context, { ...authorized, request });
    case "status":
      return answerStatus(context, request.jobId, facts);
    case "cancel":
      return answerCancel(context, request.jobId);
    case "updates":
      return answerUpdates(context, request.jobId, facts);
    case "remove":
      return answerRemove(context, request.jobId);
    case "cleanup":
      return answerCleanup(context);
  }
}

async function answerDelta(
  context: Context,
  authorized: Authorized<RequestOf<"delta">>,
): Promise<BodyAnswer> {
  const delta = await readDelta(context, authorized);
  if (delta.reset && authorized.request.after !== undefined) context.settings.metrics.resets += 1;
  const headers = { etag: etagOf(delta.cursor) };
  const ifNoneMatch = authorized.facts.header("if-none-match");
  if (isEmpty(delta) && matchesEtag(ifNoneMatch, delta.cursor)) return emptyAnswer(304, headers);
  const body: PollReply = { ...toWire(delta), now: context.hub.now() };
  return bodyAnswer(200, { headers, body });
}

async function readDelta(
  { hub, jobs, settings }: Context,
  { request, facts, permission, revocations }: Authorized<RequestOf<"delta">>,
): Promise<Delta> {
  const { jobId, after, waitMs } = request;
  if (waitMs === 0 || after === undefined || facts.method === "HEAD")
    return jobs.readAfter(jobId, after);
  const { principals, until } = permission;
  const handle = await hub.join(jobId, { cursor: after, client: facts, principals });
  const delta = await holdPoll({
    hub,
    handle,
    metrics: settings.metrics,
    cursor: after,
    waitMs: heldMs(settings, facts, { waitMs, until }),
    // After a disconnect the reader is answered at once, and comes back to be asked again.
    isRevoked: hub.revocations() !== revocations,
    principals,
    signal: facts.signal,
  });
  // For a job that was removed, the store knows whether the answer is `job-expired` or `job-not-found`.
  return delta ?? jobs.readAfter(jobId, after);
}

async function answerStatus(
  { hub, jobs }: Context,
  jobId: string,
  facts: RequestFacts,
): Promise<BodyAnswer> {
  const { cursor, ...state } = await jobs.read(jobId);
  const headers = { etag: etagOf(cursor) };
  if (matchesEtag(facts.header("if-none-match"), cursor)) return emptyAnswer(304, headers);
  return bodyAnswer(200, { headers, body: { ...state, cursor, now: hub.now() } });
}

async function answerCancel({ jobs }: Context, id: string): Promise<BodyAnswer> {
  const { id: jobId, status, cancelRequested } = await jobs.cancel(id);
  return bodyAnswer(202, { body: { jobId, status, cancelRequested } });
}

async function answerUpdates(
  { reports, reportLimiter, settings }: Context,
  jobId: string,
  facts: RequestFacts,
): Promise<BodyAnswer> {
  // After the authorization: a stranger must not use up what a worker may send.
  const answered = reportLimiter.take(jobId);
  try {
    const update = await readReport(facts, settings.stallMs);
    return bodyAnswer(200, { body: await reports.write(jobId, update) });
  } finally {
    answered();
  }
}

async function answerRemove({ jobs }: Context, jobId: string): Promise<BodyAnswer> {
  await jobs.removeKnown(jobId);
  return emptyAnswer(204);
}

async function answerCleanup({ sweep }: Context): Promise<BodyAnswer> {
  return bodyAnswer(200, { body: await sweep() });
}

/** Refuses a request that was not understood, or comes from another site. The error is of this library. */
function refuseUnread(settings: Settings, error: unknown): RefusalAnswer {
  if (!isProgressError(error)) return refuse(settings, error);
  return refusalAnswer(error.code, {
    // Only the messages about the request itself are passed on: others may hold foreign text (P42).
    detail: ABOUT_REQUEST.has(error.code) ? error.message : undefined,
    headers: error.code === "method-not-allowed" ? { allow: String(error.details.allow) } : {},
    retryMs: jitteredRetryMs(settings),
  });
}

/** The codes of errors whose message is about the request alone, and quotes it safely. */
const ABOUT_REQUEST: ReadonlySet<string> = new Set<ErrorCode>([
  "invalid-request",
  "not-found",
  "method-not-allowed",
  "too-many-targets",
  "url-too-long",
]);

function refuse(settings: Settings, error: unknown): RefusalAnswer {
  const known = asProgressError(error, "A request could not be answered.");
  const code = isRefusal(known) ? known.code : "internal";
  // A fault of this library, the app or the store has a cause that somebody must see. Other refusals are part of normal
  // operation.
  if (FAULTS.has(code)) settings.onError(known);
  return refusalAnswer(code, { detail: detailOf(known), retryMs: jitteredRetryMs(settings) });
}

const FAULTS: ReadonlySet<string> = new Set<ErrorCode>([
  "internal",
  "store-unavailable",
  "authorize-timed-out",
]);
