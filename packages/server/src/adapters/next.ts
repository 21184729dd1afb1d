import { answerFetch, bodyResponse } from "./answer-fetch.js";
import { resolveBase, type Target, targetBelow, targetOfLast } from "./mount.js";
import { notFound } from "./not-found.js";
import { type ProgressFor, type ProgressHandler, requireProgress } from "./progress-handler.js";

export type { ProgressFor, ProgressHandler } from "./progress-handler.js";

/** Options of {@link nextProgress}. */
export interface NextProgressOptions {
  /**
   * The path where progress is served, without a trailing slash.
   *
   * @defaultValue the path of the route above its catch-all segment: `/api/video-progress` for
   * `app/api/video-progress/[[...path]]/route.ts`
   */
  base?: string | undefined;
}

/** The second argument of a route handler of Next.js 15 and later. */
export interface NextContext {
  readonly params: Promise<object>;
}

/** A route handler of Next.js. */
export type NextHandler<Raw extends Request = Request> = (
  request: Raw,
  context: NextContext,
) => Promise<Response>;

/** The handlers of one route, by method. */
export interface NextHandlers<Raw extends Request = Request> {
  readonly GET: NextHandler<Raw>;
  readonly HEAD: NextHandler<Raw>;
  readonly POST: NextHandler<Raw>;
  readonly DELETE: NextHandler<Raw>;
  readonly OPTIONS: NextHandler<Raw>;
}

/**
 * Serves progress from an optional catch-all route of Next.js (15 or later, App Router): many jobs are served at the
 * path of the route itself, which `[...path]` does not match. `facts.raw` of `authorize` is the
 * `NextRequest`, and `authorize` may call `cookies()` and `headers()` of Next.js.
 *
 * Next.js gives server actions and route handlers modules of their own. Make the `Progress` with `singleton`, so that
 * both have the same one.
 *
 * @throws ProgressError `invalid-option` if `base` is not a path.
 * @example
 * ```ts
 * // app/api/video-progress/[[...path]]/route.ts
 * export const dynamic = "force-dynamic";
 * export const { GET, HEAD, POST, DELETE, OPTIONS } = nextProgress(progress);
 * ```
 */
export function nextProgress<Raw extends Request = Request>(
  progress: ProgressFor<Request, Raw>,
  options: NextProgressOptions = {},
): NextHandlers<Raw> {
  requireProgress("nextProgress", progress);
  const base = resolveBase("nextProgress", options);
  const handler: ProgressHandler = progress;
  const serve: NextHandler<Raw> = async (request, context) => {
    const target =
      options.base === undefined
        ? await targetOfRoute(request, context)
        : targetBelow(base, request.url);
    if (!target) return bodyResponse(notFound(base, request.url));
    return answerFetch(handler, { request, context: undefined, raw: request }, target);
  };
  return { GET: serve, HEAD: serve, POST: serve, DELETE: serve, OPTIONS: serve };
}

/**
 * The part of the path that the catch-all segment stands for. Its parameter tells only the number of segments here,
 * because Next.js has decoded them. The parameter is missing if the segment is optional and stands for nothing.
 */
async function targetOfRoute({ url }: Request, { params }: NextContext): Promise<Target> {
  const rest: unknown = Object.values(await params).find(Array.isArray);
  return targetOfLast(Array.isArray(rest) ? rest.length : 0, url);
}
