import { type Delta, isEmpty, type PollReply, toWire } from "@emlinh/progress-protocol";
import { asProgressError, draining } from "../../shared/errors.js";
import { askPermission, type Permission } from "../authorize.js";
import type { Hub } from "../hub/hub.js";
import type { Jobs } from "../jobs.js";
import { jitteredRetryMs, type Settings } from "../options.js";
import type { SweepReport } from "../store.js";
import { bodyAnswer, emptyAnswer, etagOf, headOf, namesTag, streamAnswer } from "./answers.js";
import { holdPoll } from "./poll.js";
import { isRefusal, refusalAnswer } from "./refusal.js";
import { actionOf, type ProgressRequest, readRequest } from "./request.js";
import { openSubscription } from "./subscription.js";
import type { Answer, BodyAnswer, RequestFacts, Sink, Subscription } from "./types.js";

/** Answers one request. Never rejects. */
export type Handle = (facts: RequestFacts) => Promise<Answer>;

/** What requests are answered with. */
export interface HandlerRooms {
  readonly hub: Hub;
  readonly jobs: Jobs;
  readonly settings: Settings;
  sweep(): Promise<SweepReport>;
}

type StreamRequest = Extract<ProgressRequest, { kind: "stream" }>;
type DeltaRequest = Extract<ProgressRequest, { kind: "delta" }>;

/**
 * Request facts in; a status, headers, and a body or a stream out. The request is read first, then authorized, and only then are jobs looked up (P44).
 *
 * @see docs/PROTOCOL.md, sections 5, 7 and 8
 */
export function createHandler({ hub, jobs, settings, sweep }: HandlerRooms): Handle {
  const { authorize, clock, maxWaitMs } = settings;

  async function answer(facts: RequestFacts): Promise<Answer> {
    const request = readRequest(facts);
    refuseWhileDraining(request);
    const question = { action: actionOf(request), jobId: request.jobId, facts };
    const permission = await askPermission(authorize, question, clock());
    switch (request.kind) {
      case "stream":
        return answerStream(request, facts, permission);
      case "delta":
        return answerDelta(request, facts, permission);
      case "status":
        return answerStatus(request.jobId, facts);
      case "cancel":
        return answerCancel(request.jobId);
      case "cleanup":
        return bodyAnswer(200, { body: await sweep() });
    }
  }

  function refuseWhileDraining(request: ProgressRequest): void {
    const holds = request.kind === "stream" || (request.kind === "delta" && request.waitMs > 0);
    if (holds && hub.isDraining()) throw draining();
  }

  async function answerStream(
    { jobId, after }: StreamRequest,
    { signal }: RequestFacts,
    { until }: Permission,
  ): Promise<Answer> {
    const seat = await hub.join(jobId, { cursor: after, counted: true });
    const { topic } = seat;
    if (topic.hasEnded() && topic.cursor() === after) {
      seat.leave();
      return emptyAnswer(204);
    }
    let close = seat.leave;
    signal.addEventListener("abort", () => close(), { once: true });
    if (signal.aborted) close();
    return streamAnswer((sink: Sink) => {
      // A client that left between the answer and its subscription took its place with it.
      if (signal.aborted) return LEFT;
      const start = { hub, seat, settings, cursor: after, until };
      const subscription = openSubscription(sink, start);
      close = subscription.closed;
      return subscription;
    });
  }

  async function answerDelta(
    request: DeltaRequest,
    facts: RequestFacts,
    permission: Permission,
  ): Promise<Answer> {
    const delta = await deltaOf(request, facts, permission);
    const headers = { etag: etagOf(delta.cursor) };
    if (isEmpty(delta) && namesTag(facts.header("if-none-match"), delta.cursor))
      return emptyAnswer(304, headers);
    const body: PollReply = { ...toWire(delta), now: clock() };
    return bodyAnswer(200, { headers, body });
  }

  async function deltaOf(
    { jobId, after, waitMs }: DeltaRequest,
    { signal }: RequestFacts,
    { until }: Permission,
  ): Promise<Delta> {
    if (waitMs === 0 || after === undefined) return jobs.readAfter(jobId, after);
    const seat = await hub.join(jobId, { cursor: after, counted: true });
    const allowedMs = Math.min(waitMs, maxWaitMs, until - clock());
    const held = await holdPoll({ hub, seat, cursor: after, waitMs: allowedMs, signal });
    // The store tells best what became of a job that it has no more: `job-expired`, or nothing known of it.
    return held.removed ? jobs.readAfter(jobId, after) : held.delta;
  }

  async function answerStatus(jobId: string, facts: RequestFacts): Promise<Answer> {
    const { cursor, ...state } = await jobs.read(jobId);
    const headers = { etag: etagOf(cursor) };
    if (namesTag(facts.header("if-none-match"), cursor)) return emptyAnswer(304, headers);
    return bodyAnswer(200, { headers, body: { ...state, cursor, now: clock() } });
  }

  async function answerCancel(jobId: string): Promise<Answer> {
    const { status, cancelRequested } = await jobs.cancel(jobId);
    return bodyAnswer(202, { body: { jobId, status, cancelRequested } });
  }

  function refuse(error: unknown): BodyAnswer {
    const known = asProgressError(error, "A request could not be answered.");
    const code = isRefusal(known) ? known.code : "internal";
    // Faults of ours, the app's and the store's have a cause that somebody must see; refusals are daily bread.
    if (code === "internal" || code === "store-unavailable") settings.onError(known);
    const allow = known.details.allow;
    return refusalAnswer(code, {
      // Only what was read from the request itself is spoken of in words of the moment.
      detail: code === "invalid-request" ? known.message : undefined,
      headers: code === "method-not-allowed" ? { allow: String(allow) } : {},
      retryMs: jitteredRetryMs(settings),
    });
  }

  return async (facts) => {
    let result: Answer;
    try {
      result = await answer(facts);
    } catch (error) {
      result = refuse(error);
    }
    return facts.method === "HEAD" && result.kind === "body" ? headOf(result) : result;
  };
}

const LEFT: Subscription = { drained: () => {}, closed: () => {} };
