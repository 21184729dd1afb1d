import { checksFor } from "../shared/option-checks.js";
import { answerFetch, bodyResponse } from "./answer-fetch.js";
import { resolveBase, targetBelow } from "./mount.js";
import { notFound } from "./not-found.js";
import { type ProgressHandler, requireProgress } from "./progress-handler.js";

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
 * when it dies. Below `@hono/node-server` without Hono, pass its second argument on. Return the response unchanged:
 * code that reads the whole body first waits until the job has ended.
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
    if (!target) return bodyResponse(notFound(base, request.url));
    return answerFetch(handler, { request, context, raw: rawOf(request, context) }, target);
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
