import {
  isEmpty,
  type Listed,
  listedOf,
  type ManyReply,
  type Refused,
  toJobWire,
  type WireJobDelta,
} from "@emlinh/progress-protocol";
import { draining } from "../../../shared/errors.js";
import { countRefusal } from "../../metrics.js";
import { bodyAnswer, streamHead } from "../answers.js";
import { type Context, heartbeatOf, heldMs } from "../context.js";
import type { ManyRequest } from "../request.js";
import type { Answer, BodyAnswer, RequestFacts } from "../types.js";
import { type AllowedTargets, authorizeTargets } from "./authorize-targets.js";
import { type JoinedTargets, joinTargets, refusedJob } from "./join-targets.js";
import { holdManyPoll, type ManyNews } from "./many-poll.js";
import { openManyStream } from "./many-stream.js";
import type { Targets } from "./read-targets.js";

/** The allowed part of a request for many jobs. */
interface Asked {
  readonly kind: ManyRequest["kind"];
  readonly waitMs: number;
  readonly facts: RequestFacts;
  readonly allowed: AllowedTargets;
  /** The targets, without those that are not allowed. */
  readonly targets: Targets;
  /** `hub.revocations()` when the app was asked. */
  readonly revocations: number;
}

/** Answers a request for many jobs (section 17 of the protocol). It is authorized before any job is looked up (P44). */
export async function answerMany(
  context: Context,
  request: ManyRequest,
  facts: RequestFacts,
): Promise<Answer> {
  const { hub, authorizer } = context;
  const isHeld = request.kind === "many-stream" || request.waitMs > 0;
  if (isHeld && hub.isDraining()) throw draining();
  const revocations = hub.revocations();
  const allowed = await hub.wait(authorizeTargets(authorizer, request, facts), facts);
  const { jobs, subjects } = allowed;
  const targets = { ...request, jobs, subjects };
  const { kind, waitMs } = request;
  const asked: Asked = { kind, waitMs, facts, allowed, targets, revocations };
  const answer = await answerAsked(context, asked);
  // A disconnect came after the app was asked, and could not reach this stream yet.
  if (answer === "revoked") return answerMany(context, request, facts);
  return answer;
}

async function answerAsked(context: Context, asked: Asked): Promise<Answer | "revoked"> {
  const { facts, kind, waitMs, allowed } = asked;
  const isHead = facts.method === "HEAD";
  if (kind === "many-stream") return isHead ? streamHead() : answerStream(context, asked);
  const news = await (waitMs > 0 && !isHead ? holdNews : readNews)(context, asked);
  // The store may have taken longer than the permission lasts.
  context.authorizer.check(allowed.permission);
  return newsAnswer(context, asked, news);
}

async function answerStream(context: Context, asked: Asked): Promise<Answer | "revoked"> {
  const { hub, settings } = context;
  const { facts, allowed, targets, revocations } = asked;
  const { until, principals } = allowed.permission;
  const joined = await join(context, asked);
  if (hub.revocations() !== revocations) {
    joined.leave();
    return "revoked";
  }
  const refused = [...allowed.refused, ...joined.refused];
  countRefusals(context, refused);
  const heartbeatMs = heartbeatOf(settings, facts);
  const recheck = context.startRecheck?.(allowed.questions);
  const start = { hub, settings, until, principals, heartbeatMs, recheck };
  return openManyStream({ ...start, joined, targets, refused }, facts);
}

/** Joins the topics, and leaves them if the permission has ended meanwhile. */
async function join(
  { hub, authorizer }: Context,
  { facts, allowed, targets }: Asked,
): Promise<JoinedTargets> {
  const { permission } = allowed;
  const joined = await joinTargets(hub, targets, {
    client: facts,
    principals: permission.principals,
  });
  try {
    authorizer.check(permission);
  } catch (error) {
    joined.leave();
    throw error;
  }
  return joined;
}

async function holdNews(context: Context, asked: Asked): Promise<ManyNews> {
  const { hub, settings } = context;
  const { facts, allowed, targets, revocations } = asked;
  const { until, principals } = allowed.permission;
  const joined = await join(context, asked);
  return holdManyPoll({
    hub,
    metrics: settings.metrics,
    joined,
    targets,
    refused: [...allowed.refused, ...joined.refused],
    waitMs: heldMs(settings, facts, { waitMs: asked.waitMs, until }),
    // After a disconnect the reader is answered at once, and comes back to be asked again.
    isRevoked: hub.revocations() !== revocations,
    principals,
    signal: facts.signal,
  });
}

/** Reads the store. Any process can answer such a request, whatever it watches. */
async function readNews({ jobs }: Context, { allowed, targets }: Asked): Promise<ManyNews> {
  const { subjects, cursors, seen, limit, before } = targets;
  const lists = await Promise.all(
    subjects.map(async (subject): Promise<Listed> => {
      const page = await jobs.page(subject, { limit, before });
      return listedOf({ subject, jobs: page.jobs, next: page.next ?? null });
    }),
  );
  const named = new Set(targets.jobs);
  const ids = new Set([...named, ...lists.flatMap((list) => list.jobs)]);
  const readJob = async (job: string): Promise<ReadJob> => {
    try {
      const delta = await jobs.readAfter(job, cursors.get(job));
      return isEmpty(delta) ? {} : { delta: toJobWire(job, delta) };
    } catch (error) {
      const refused = refusedJob(job, error);
      if (refused === undefined) throw error;
      // A listed job that is gone has left its list since.
      return named.has(job) ? { refused } : {};
    }
  };
  const read = await Promise.all([...ids].map(readJob));
  return {
    listed: lists.filter(({ tag }) => !seen.has(tag)),
    jobs: read.flatMap(({ delta }) => delta ?? []),
    refused: [...allowed.refused, ...read.flatMap(({ refused }) => refused ?? [])],
  };
}

/** A job that was read: one of the two, or neither without news. */
interface ReadJob {
  readonly delta?: WireJobDelta;
  readonly refused?: Refused;
}

function newsAnswer(context: Context, { targets }: Asked, news: ManyNews): BodyAnswer {
  const { hub, settings } = context;
  countRefusals(context, news.refused);
  for (const { job, reset } of news.jobs)
    if (reset && targets.cursors.has(job)) settings.metrics.resets += 1;
  const body: ManyReply = { ...news, now: hub.now() };
  return bodyAnswer(200, { body });
}

/** A target that is refused counts as a request would. */
function countRefusals({ settings }: Context, refused: readonly Refused[]): void {
  const { metrics, hooks } = settings;
  for (const { job: jobId, subject, status, code } of refused) {
    countRefusal(metrics, code);
    const action = subject === undefined ? "watch" : "list";
    hooks.onRefusal?.({ code, status, action, jobId, subject });
  }
}
