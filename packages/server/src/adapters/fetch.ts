import type { Answer, RequestFacts } from "../core/http/types.js";
import { frameStream } from "./frame-stream.js";
import { resolveBase, targetBelow } from "./mount.js";
import { notFound } from "./not-found.js";
import { type ProgressHandler, release } from "./progress-handler.js";

export type { ProgressHandler } from "./progress-handler.js";

/** Options of {@link fetchProgress}. */
export interface FetchProgressOptions {
  /** The path where progress is served, without a trailing slash. @defaultValue the root */
  base?: string | undefined;
}

/**
 * Answers a request; one outside `base` with 404.
 *
 * @param raw - What `authorize` finds in `facts.raw`: the request, if nothing is given. A framework that is handed the function itself gives
 * what it gives to every handler: its context, Bun's server.
 */
export type FetchProgress = (request: Request, raw?: unknown) => Promise<Response>;

/**
 * Serves progress wherever a `Request` is answered by a `Response`: Hono, Bun, Deno, Next route handlers and others.
 *
 * The response must be handed on as it is: whoever reads its body into memory first waits for the job's end.
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
  release(answer);
  return null;
}
