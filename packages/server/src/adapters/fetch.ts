import type { Answer, RequestFacts } from "../core/http/types.js";
import { checksFor } from "../shared/option-checks.js";
import { type ExchangeLife, untilTurn, watchExchange } from "./exchange-life.js";
import { type FetchCall, maxSilenceMsOf, nodeExchangeOf } from "./fetch-runtime.js";
import { frameStream } from "./frame-stream.js";
import { discardStream } from "./guarded-subscription.js";
import { resolveBase, type Target, targetBelow } from "./mount.js";
import { ignoreErrors, type NodeExchange } from "./node-exchange.js";
import { notFound } from "./not-found.js";
import { type ProgressHandler, requireProgress } from "./progress-handler.js";
import { limitStall } from "./stall-limit.js";
import { keepOpen } from "./write-stream.js";

export type { ProgressHandler } from "./progress-handler.js";

/** Options of {@link fetchProgress}. */
export interface FetchProgressOptions {
  /** The path where progress is served, without a trailing slash. @defaultValue the root */
  base?: string | undefined;
}

/** The second argument of {@link FetchProgress}. */
export interface FetchContext<Raw = unknown> {
  /** The value of `facts.raw` of `authorize`, such as the context of Hono. @defaultValue the request */
  readonly raw?: Raw;
}

/**
 * Answers a request. A request outside `base` gets 404.
 *
 * Its second argument is a {@link FetchContext}. It is required if `authorize` takes something else than a `Request`.
 * Other objects, such as those that Next.js and Bun pass to a handler, do not become `facts.raw`.
 */
export type FetchProgress<Raw = unknown> = [Request] extends [Raw]
  ? (request: Request, context?: FetchContext<Raw> & OtherObject) => Promise<Response>
  : [Raw] extends [Request]
    ? (request: Raw, context?: FetchContext<Raw> & OtherObject) => Promise<Response>
    : (request: Request, context: Required<FetchContext<Raw>>) => Promise<Response>;

/** An object that a framework passes beside the request. Its members are ignored. */
// biome-ignore lint/suspicious/noExplicitAny: any object fits this type, whereas `unknown` would exclude interfaces.
export type OtherObject = { readonly [name: string]: any };

/**
 * Serves progress in every framework with `Request` and `Response`: Hono, Bun, Deno, Next.js route handlers and others.
 *
 * Pass the framework's own context as `raw`: with it the adapter finds the connection below Hono and h3, and notices
 * when it dies. Return the response unchanged: code that reads the whole body first waits until the job has ended.
 *
 * @throws ProgressError `invalid-option` if `base` is not a path.
 * @example
 * ```ts
 * const serve = fetchProgress(progress, { base: "/api/video-progress" });
 * app.all("/api/video-progress/*", (c) => serve(c.req.raw, { raw: c })); // Hono
 * ```
 */
export function fetchProgress<Raw = unknown>(
  progress: ProgressHandler<Raw>,
  options: FetchProgressOptions = {},
): FetchProgress<Raw> {
  requireProgress("fetchProgress", progress);
  const base = resolveBase("fetchProgress", options);
  const handler: ProgressHandler = progress;
  const serve: FetchProgress = async (request, context) => {
    requireRequest(request);
    const target = targetBelow(base, request.url);
    if (!target) return respond({ request, signal: request.signal }, notFound(base, request.url));
    const call = { request, context, raw: rawOf(request, context) };
    const exchange = nodeExchangeOf(call);
    if (exchange) ignoreErrors(exchange);
    const life = exchange && watchExchange(exchange);
    if (exchange && life && !(await untilTurn(exchange, life))) return nobodyWaits();
    const facts = fetchFacts(call, target, life);
    const answer = await handler.handle(facts);
    life?.answered();
    return respond({ request, signal: facts.signal, exchange }, answer);
  };
  return serve as FetchProgress<Raw>;
}

/** @throws ProgressError `invalid-option` if a framework passes another object, such as the context of Hono. */
function requireRequest(request: unknown): void {
  const { url, headers } = (request ?? {}) as Partial<Request>;
  if (typeof url === "string" && typeof headers?.get === "function") return;
  const wanted = "a Request, as in serve(c.req.raw, { raw: c }) for Hono";
  throw checksFor("fetchProgress").invalid("the request", request, wanted);
}

function rawOf(request: Request, context: FetchContext | undefined): unknown {
  return context?.raw ?? request;
}

function fetchFacts(call: FetchCall, target: Target, life: ExchangeLife | undefined): RequestFacts {
  const { request, raw } = call;
  return {
    method: request.method.toUpperCase(),
    ...target,
    header: (name) => headerOf(request, name),
    raw,
    connection: life?.connection,
    maxSilenceMs: maxSilenceMsOf(call),
    signal: life ? AbortSignal.any([request.signal, life.signal]) : request.signal,
  };
}

function headerOf({ headers, url }: Request, name: string): string | undefined {
  // Over HTTP/2 there is no `host` header, and its value is only in the URL.
  return headers.get(name) ?? (name.toLowerCase() === "host" ? new URL(url).host : undefined);
}

/** A request that was answered, and where the response goes. */
interface Asked {
  readonly request: Request;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  readonly exchange?: NodeExchange | undefined;
}

function respond(asked: Asked, answer: Answer): Response {
  const { status, headers } = answer;
  return new Response(bodyOf(asked, answer), { status, headers });
}

function bodyOf(
  { request, signal, exchange }: Asked,
  answer: Answer,
): string | ReadableStream<Uint8Array> | null {
  if (answer.kind === "body") {
    if (exchange) limitStall(exchange, answer.stallMs);
    return answer.body;
  }
  if (request.method !== "HEAD") {
    if (exchange) keepOpen(exchange);
    return frameStream(answer, { signal, res: exchange?.res });
  }
  discardStream(answer);
  return null;
}

/** The response to a request whose connection has died. */
function nobodyWaits(): Response {
  return new Response(null, { status: 499 });
}
