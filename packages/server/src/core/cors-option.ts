import type { ProgressError } from "@emlinh/progress-protocol";
import { asProgressError } from "../shared/errors.js";
import { handleRejection } from "../shared/never-throws.js";
import { checksFor } from "../shared/option-checks.js";
import { shown } from "../shared/untyped.js";
import { listOfOrigins, resolveOrigins } from "./origin-list.js";

const { names, flag, count, invalid, fault } = checksFor("createProgress");

/** Which pages of other origins may read jobs, and how. */
export interface CorsOptions {
  /**
   * Exact origins such as `"https://app.example.com"`: scheme, host and port, without a path. A function gets an origin
   * in this form, in lower case, and returns `true` if it is allowed; it may be called twice per request. `["*"]` lets
   * the pages of every origin read, but not change jobs with a `POST` or `DELETE`.
   */
  readonly origins: readonly string[] | ((origin: string) => boolean);
  /** Whether the pages may send cookies. Not with `["*"]`. @defaultValue `false` */
  readonly credentials?: boolean | undefined;
  /** The seconds for which a browser may keep the answer to a preflight. @defaultValue `600` */
  readonly maxAgeSeconds?: number | undefined;
}

/** The checked {@link CorsOptions}. */
export interface CorsRules {
  /** Whether pages of every origin may read. No origin is trusted by that. */
  readonly anyOrigin: boolean;
  /** Whether an origin is allowed by name. Never throws. @param origin - As `normalOrigin` writes it. */
  readonly allows: (origin: string) => boolean;
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

const DEFAULT_MAX_AGE_SECONDS = 600;

/**
 * Fills in the defaults and checks the option `cors`.
 *
 * @param onError - Called with each fault of the function `origins`. Must not throw.
 * @throws ProgressError `invalid-option`
 */
export function resolveCors(
  cors: CorsOptions | false,
  onError: (error: ProgressError) => void,
): CorsRules | false {
  if (cors === false) return false;
  if (typeof cors !== "object" || cors === null)
    throw invalid("cors", cors, '{ origins: ["https://app.example.com"] } or false');
  names(cors, ["origins", "credentials", "maxAgeSeconds"]);
  const { origins, credentials = false, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS } = cors;
  flag("cors.credentials", credentials);
  const listed = typeof origins === "function" ? [] : listOfOrigins("cors.origins", origins);
  const anyOrigin = listed.includes("*");
  if (anyOrigin && listed.length > 1)
    throw fault('cors.origins has "*" and other origins; use ["*"], or list the exact origins.');
  if (anyOrigin && credentials)
    throw fault(
      'cors.origins is ["*"] with credentials, so every page could read the jobs of your users. ' +
        "List the exact origins, or leave credentials out.",
    );
  return {
    anyOrigin,
    allows:
      typeof origins === "function"
        ? (origin) => ask(origins, origin, onError)
        : originTest(anyOrigin ? [] : listed),
    credentials,
    maxAgeSeconds: count("cors.maxAgeSeconds", maxAgeSeconds, 0),
  };
}

function originTest(listed: readonly unknown[]): (origin: string) => boolean {
  const known = resolveOrigins("cors.origins", listed);
  return (origin) => known.has(origin);
}

/** Only `true` allows: a promise would be truthy. */
function ask(
  allows: (origin: string) => unknown,
  origin: string,
  onError: (error: ProgressError) => void,
): boolean {
  const onFault = (fault: string, cause?: unknown) =>
    onError(asProgressError(cause, `cors.origins ${fault}, so the origin ${origin} is refused.`));
  try {
    const answer = allows(origin);
    if (typeof answer === "boolean") return answer;
    onFault(`returned ${shown(answer)} instead of true or false`);
    // Its rejection would be the same fault again.
    handleRejection(answer, () => {});
  } catch (cause) {
    onFault("threw", cause);
  }
  return false;
}
