import type { RequestFacts } from "../core/http/types.js";
import { checksFor } from "../shared/option-checks.js";

/** The parts of a URL below the mount point. */
export type Target = Pick<RequestFacts, "path" | "query">;

/** Scheme and authority. The first line of a request to a proxy has them. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/**
 * The mount point as a prefix of paths: `""` for the root, else with a leading slash and without a trailing one.
 *
 * @param functionName - The adapter, for errors.
 * @throws ProgressError `invalid-option`, also for any other option.
 */
export function resolveBase(
  functionName: string,
  options: { readonly base?: string | undefined },
): string {
  const call = `${functionName}(progress, { base: "/progress" })`;
  const { names, invalid } = checksFor(functionName, call);
  names(options, ["base"]);
  const { base = "/" } = options;
  if (base === "/") return "";
  if (typeof base !== "string" || !/^\/[^?#]*[^?#/]$/.test(base))
    throw invalid("base", base, 'a path such as "/progress", without a slash at the end');
  return base;
}

/**
 * The target below a mount point, or `undefined` for a URL that is not below it: `/progress-old` is not below
 * `/progress`.
 *
 * The URL is cut, not parsed, because the path must not change: `new URL` would read `//x` as a host and resolve `..`.
 */
export function targetBelow(base: string, url: string): Target | undefined {
  const target = targetOf(url);
  if (!target.path.startsWith(base)) return undefined;
  const path = target.path.slice(base.length);
  if (path !== "" && !path.startsWith("/")) return undefined;
  return { path: path || "/", query: target.query };
}

/** The target after a number of path segments, for mount points that contain patterns. */
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

/** The target of the last path segments, for frameworks that tell their number. A slash at the end is no segment. */
export function targetOfLast(segments: number, url: string): Target {
  const { path, query } = targetOf(url);
  const all = path.replace(/\/$/, "").split("/");
  return { path: `/${all.slice(all.length - segments).join("/")}`, query };
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
