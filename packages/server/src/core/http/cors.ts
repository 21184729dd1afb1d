import { normalOrigin } from "../../shared/origin.js";
import type { CorsRules } from "../cors-option.js";
import { emptyAnswer } from "./answers.js";
import type { Answer, RequestFacts } from "./types.js";

type Headers = Readonly<Record<string, string>>;
type Handle = (facts: RequestFacts) => Promise<Answer>;

/**
 * Answers preflights, and adds the headers of CORS to every other answer, refusals included: without them the page
 * could not read the code (P57). Without the option `cors`, the handler is returned as it is.
 */
export function withCors(cors: CorsRules | false, handle: Handle): Handle {
  if (cors === false) return handle;
  return async (facts) => {
    const allowed = allowedOrigin(cors, facts);
    if (allowed !== undefined && isPreflight(facts)) return preflightAnswer(cors, allowed, facts);
    return withHeaders(await handle(facts), originHeaders(cors, allowed));
  };
}

/** The value of a header. It may throw in the facts of untyped code, which the handler refuses. */
function headerOf(facts: RequestFacts, name: string): string | undefined {
  try {
    return facts.header(name)?.trim();
  } catch {
    return undefined;
  }
}

/** The value of `Access-Control-Allow-Origin`; `undefined` if the request has no origin, or one that is not allowed. */
function allowedOrigin(cors: CorsRules, facts: RequestFacts): string | undefined {
  if (cors.anyOrigin) return "*";
  const origin = normalOrigin(headerOf(facts, "origin") ?? "");
  return origin !== undefined && cors.allows(origin) ? origin : undefined;
}

function originHeaders({ credentials }: CorsRules, allowed: string | undefined): Headers {
  if (allowed === undefined) return {};
  return {
    "access-control-allow-origin": allowed,
    // Of our headers, a page of another origin could otherwise read the content type alone.
    "access-control-expose-headers": "ETag, Retry-After",
    ...(credentials && { "access-control-allow-credentials": "true" }),
  };
}

/** A cache must not give one origin the answer to another, also if the first one had no origin or was refused. */
function withHeaders(answer: Answer, added: Headers): Answer {
  const vary = `${answer.headers.vary}, Origin`;
  return { ...answer, headers: { ...answer.headers, ...added, vary } };
}

function isPreflight(facts: RequestFacts): boolean {
  return (
    facts.method === "OPTIONS" && headerOf(facts, "access-control-request-method") !== undefined
  );
}

function preflightAnswer(cors: CorsRules, allowed: string, facts: RequestFacts): Answer {
  const answer = emptyAnswer(204, {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": allowedHeaders(facts),
    "access-control-max-age": String(cors.maxAgeSeconds),
    vary: "Access-Control-Request-Method, Access-Control-Request-Headers",
  });
  return withHeaders(answer, originHeaders(cors, allowed));
}

const KNOWN_HEADERS = "Authorization, Content-Type, Last-Event-ID, Idempotency-Key";

/** A list of names of header fields, as RFC 9110 has them, of a length that no request of a page exceeds. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(, ?[\w!#$%&'*+.^`|~-]+)*$/;
const MAX_HEADER_NAMES_LENGTH = 500;

/**
 * The headers that the page wants to send, such as one with a token of the app: the origin is trusted with all of them.
 * A list that is malformed or very long is answered with the names that this library knows.
 */
function allowedHeaders(facts: RequestFacts): string {
  const requested = headerOf(facts, "access-control-request-headers") ?? "";
  const isSafe = requested.length <= MAX_HEADER_NAMES_LENGTH && HEADER_NAMES.test(requested);
  return isSafe ? `${KNOWN_HEADERS}, ${requested}` : KNOWN_HEADERS;
}
