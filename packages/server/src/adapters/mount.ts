import { ProgressError } from "@emlinh/progress-protocol";
import type { RequestFacts } from "../core/http/types.js";

/** What a URL says, once the mount point is taken off it. */
export type Target = Pick<RequestFacts, "path" | "query">;

/** Scheme and authority: a request to a proxy names them in its first line. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/**
 * The mount point as a prefix to compare with: `""` for the root, else with a leading slash and without a trailing one.
 *
 * @throws ProgressError `invalid-option`.
 */
export function resolveBase(base: string | undefined): string {
  if (base === undefined || base === "/") return "";
  if (!/^\/[^?#]*[^?#/]$/.test(base)) {
    throw new ProgressError("invalid-option", {
      message: `base is ${JSON.stringify(base)}; give the path where progress is served, like "/api/video-progress", without a trailing slash, query or fragment.`,
      details: { option: "base", value: base },
    });
  }
  return base;
}

/**
 * The target below a mount point, or `undefined` if the URL lies elsewhere. A path that merely begins with the same letters lies elsewhere.
 *
 * The URL is cut, not parsed: `new URL` would take `//x` for a host and resolve `..`, and the path must arrive as it came.
 */
export function targetBelow(base: string, url: string): Target | undefined {
  const target = targetOf(url);
  if (!target.path.startsWith(base)) return undefined;
  const path = target.path.slice(base.length);
  if (path !== "" && !path.startsWith("/")) return undefined;
  return { path: path || "/", query: target.query };
}

/** The target after a number of path segments: for mount points whose segments are patterns. */
export function targetAfter(segments: number, url: string): Target {
  const { path, query } = targetOf(url);
  return {
    path: `/${path
      .split("/")
      .slice(segments + 1)
      .join("/")}`,
    query,
  };
}

function targetOf(url: string): Target {
  const [beforeFragment = ""] = url.replace(ORIGIN, "").split("#", 1);
  const mark = beforeFragment.indexOf("?");
  const end = mark < 0 ? beforeFragment.length : mark;
  return {
    path: beforeFragment.slice(0, end),
    query: new URLSearchParams(beforeFragment.slice(end)),
  };
}
