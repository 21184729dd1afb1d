import { ProgressError } from "@emlinh/progress-protocol";
import { isOriginOf, normalOrigin } from "../../shared/origin.js";
import type { Settings } from "../options.js";
import type { RequestFacts } from "./types.js";

/** The origins that may change jobs: those that the app trusts, and those that `cors` allows by name. */
type Trust = Pick<Settings, "trustedOrigins" | "cors">;

/**
 * Refuses a request by which a page of another site changes a job (P50). Browsers add these headers by themselves, and
 * no page can change them. A request without either does not come from a browser.
 *
 * @throws ProgressError `cross-site`
 */
export function refuseCrossSite(facts: RequestFacts, trust: Trust): void {
  if (facts.method === "GET" || facts.method === "HEAD") return;
  const site = facts.header("sec-fetch-site")?.trim().toLowerCase();
  const origin = facts.header("origin")?.trim();
  if (isTrusted(origin, trust)) return;
  // An empty header is no answer: the other one decides, or the request is refused.
  if (site === undefined && origin === undefined) return;
  if (site === "same-origin" || site === "none") return;
  if (site === undefined && isOriginOf(origin ?? "", facts.header("host")?.trim())) return;
  throw crossSite(origin ?? `another (Sec-Fetch-Site: ${site})`);
}

function isTrusted(origin: string | undefined, { trustedOrigins, cors }: Trust): boolean {
  const normal = origin === undefined ? undefined : normalOrigin(origin);
  if (normal === undefined) return false;
  return trustedOrigins.has(normal) || (cors !== false && cors.allows(normal));
}

function crossSite(origin: string): ProgressError {
  return new ProgressError("cross-site", {
    message:
      `A page of the origin ${origin} sent the request. Add the origin to trustedOrigins or cors if it is yours, ` +
      "and let proxies pass the header Host on.",
    status: 403,
  });
}
