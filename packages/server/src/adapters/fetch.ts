import type { Answer, RequestFacts } from "../core/http/types.js";
import { discardStream } from "./discard-stream.js";
import { frameStream } from "./frame-stream.js";
import { resolveBase, targetBelow } from "./mount.js";
import { notFound } from "./not-found.js";
import type { ProgressHandler } from "./progress-handler.js";

export type { ProgressHandler } from "./progress-handler.js";

/** Options of {@link fetchProgress}. */
export interface FetchProgressOptions {
  /** The path where progress is served, without a trailing slash. @defaultValue the root */
  base?: string | undefined;
}

/**
 * Answers a request. A request outside `base` gets 404.
 *
 * @param raw - The value of `facts.raw` of `authorize`. If this function is registered as a handler, it is what the
 * framework passes as the second argument: its context, or the server in Bun. @defaultValue the request
 */
export type FetchProgress = (request: Request, raw?: unknown) => Promise<Response>;

/**
 * Serves progress in every framework with `Request` and `Response`: Hono, Bun, Deno, Next.js route handlers and others.
 *
 * Return the response unchanged: code that reads the whole body first waits until the job has ended.
 *
 * @throws ProgressError `invalid-option` if `base` is not a path.
 * @example
 * ```ts
 * const serve = fetchProgress(progress, { base: "/api/video-progress" });
 * app.all("/api/video-progress/*", (c) => serve(c.req.raw, c)); // Hono
 * ```
 */
export function fetchProgress(
  progress: ProgressHandler,
  options: FetchProgressOptions = {},
): FetchProgress {
  const base = resolveBase(options.base);
  return async (request, raw = request) => {
    const target = targetBelow(base, request.url);
    if (!target) return toResponse(request, notFound());
    const facts: RequestFacts = {
      method: request.method.toUpperCase(),
      ...target,
      header: (name) => request.headers.get(name) ?? undefined,
      raw,
      signal: request.signal,
    };
    return toResponse(request, await progress.handle(facts));
  };
}

function toResponse(request: Request, answer: Answer): Response {
  const { status, headers } = answer;
  return new Response(bodyOf(request, answer), { status, headers });
}

function bodyOf(request: Request, answer: Answer): string | ReadableStream<Uint8Array> | null {
  if (answer.kind === "body") return answer.body;
  if (request.method !== "HEAD") return frameStream(answer, request.signal);
  discardStream(answer);
  return null;
}
