import express, { type Request, type RequestHandler, Router } from "express";
import { VideoError } from "../pipeline/errors.js";
import { detectLanguage } from "../pipeline/language.js";
import { parseVideoRequest } from "../pipeline/request.js";
import { voiceFor } from "../pipeline/voices.js";
import { addressesOf } from "../shared/addresses.js";
import type { CreateVideoReply } from "../shared/create-video.js";
import { BATCH_ID, batchOf } from "../shared/session.js";
import { normalizeTopic, topicRefusal } from "../shared/topic.js";
import { type Problem, sendProblem } from "./problem.js";
import { sessionOf } from "./session.js";
import { type CreateField, languageFor, TEXTS, type Texts } from "./texts.js";
import type { OrderRefusal, VideoJobs, VideoOrder } from "./video-jobs.js";

/** 600 characters take up to 3600 bytes when they are escaped. The other fields are short. */
const MAX_BODY = "16kb";
/** Milliseconds that a client waits if the queue is full. A short video is made in that time. */
const RETRY_AFTER_MS = 10_000;

/** The route that creates videos. It answers at once; the video is made apart from the request. */
export function createVideoRoute(jobs: VideoJobs): Router {
  const router = Router();
  router.post("/", express.json({ limit: MAX_BODY }), createVideo(jobs));
  router.all("/", (req, res) => {
    const { title, badRequest: detail } = TEXTS[languageFor(req)];
    const headers = { Allow: "POST" };
    sendProblem(res, { status: 405, code: "method-not-allowed", title, detail, headers });
  });
  return router;
}

function createVideo(jobs: VideoJobs): RequestHandler {
  return async (req, res) => {
    const texts = TEXTS[languageFor(req)];
    const parsed = parseOrder(req, texts);
    if ("problem" in parsed) return sendProblem(res, parsed.problem);

    const created = await jobs.create(parsed.order);
    if ("refused" in created) return sendProblem(res, refusal(created.refused, texts));
    const { jobId, position } = created;
    const { events, status } = addressesOf(jobId);
    const reply: CreateVideoReply = {
      jobId,
      eventsUrl: events,
      statusUrl: status,
      message: messageFor(position, texts),
    };
    res.status(202).set({ Location: status, "Cache-Control": "no-store" }).json(reply);
  };
}

type ParsedOrder = { readonly order: VideoOrder } | { readonly problem: Problem };

/** The fields that the pipeline does not know. It checks its own fields itself. */
const RULES: Readonly<
  Record<"batch" | "session_id" | "idempotency_key", (value: unknown) => boolean>
> = {
  batch: (value) => typeof value === "string" && BATCH_ID.test(value),
  session_id: (value) => typeof value === "string" && value.length >= 1 && value.length <= 128,
  idempotency_key: (value) => typeof value === "string" && /^.{1,200}$/s.test(value),
};

function parseOrder(req: Request, texts: Texts): ParsedOrder {
  const body: unknown = req.body;
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const { title, notJson: detail } = texts;
    return { problem: { status: 400, code: "not-json", title, detail } };
  }
  const fields = body as Readonly<Record<string, unknown>>;
  const given = {
    batch: fields.batch ?? undefined,
    session_id: fields.session_id ?? undefined,
    // Clients that repeat a request by themselves send the header.
    idempotency_key: keyOf(req.get("idempotency-key")) ?? fields.idempotency_key ?? undefined,
  };
  for (const name of Object.keys(RULES) as (keyof typeof RULES)[]) {
    if (given[name] !== undefined && !RULES[name](given[name])) return invalid(name, texts);
  }
  try {
    const request = parseVideoRequest(fields);
    const language = detectLanguage(request.topic);
    const voice = request.voice ?? (voiceFor(language).id as NonNullable<typeof request.voice>);
    const owner = sessionOf(req.get("cookie"));
    const {
      batch: batchId,
      session_id: sessionId,
      idempotency_key: key,
    } = given as Record<string, string | undefined>;
    // A client without cookies has no lists.
    const batch = owner && batchId && batchOf(owner, batchId);
    return {
      order: { request: { ...request, voice }, language, owner, batch, sessionId, key },
    };
  } catch (error) {
    if (!(error instanceof VideoError) || error.field === undefined) throw error;
    const field = error.field as CreateField;
    return invalid(field, texts, field === "topic" ? refusalOf(fields.topic, req) : undefined);
  }
}

/** The sentence for a topic that can't be shown. */
function refusalOf(topic: unknown, req: Request): string | undefined {
  if (typeof topic !== "string") return undefined;
  return topicRefusal(normalizeTopic(topic), languageFor(req));
}

/** The key in a header. The client percent-encodes the characters that a header cannot hold. */
function keyOf(header: string | undefined): string | undefined {
  try {
    return header && decodeURIComponent(header);
  } catch {
    // A key of another client that has a percent sign.
    return header;
  }
}

function invalid(
  field: CreateField,
  { title, fields }: Texts,
  detail: string = fields[field],
): ParsedOrder {
  const code = field === "voice" ? "unknown-voice" : "invalid-request";
  return { problem: { status: 400, code, title, detail, field } };
}

/** Clients repeat a request by themselves after 429 and 503, but not after 424: the operator has to act first. */
function refusal(reason: OrderRefusal, { title, failures, queueFull, stopping }: Texts): Problem {
  const retryAfterMs = RETRY_AFTER_MS;
  switch (reason) {
    case "full":
      return { status: 429, code: "queue-full", title, detail: queueFull, retryAfterMs };
    case "stopping":
      return { status: 503, code: "stopping", title, detail: stopping, retryAfterMs };
    case "ffmpeg-missing":
      return { status: 424, code: reason, title, detail: failures[reason] };
  }
}

function messageFor(position: number | undefined, texts: Texts): string {
  if (position === undefined) return texts.known;
  return position === 0 ? texts.accepted : texts.waiting(position);
}
