import { ProgressError } from "@emlinh/progress-protocol";
import { within } from "../../shared/time.js";
import { shown } from "../../shared/untyped.js";
import type { Authorize, AuthorizeRequest, Permission } from "../authorize.js";
import type { Settings } from "../options.js";

/** Asks the app about requests. */
export interface Authorizer {
  /**
   * Returns the permission at once if the app decides at once, so that such a request waits for nothing.
   *
   * @throws ProgressError `not-authenticated`, `forbidden`; `internal` if the app threw or returned no decision;
   * `authorize-timed-out`; `too-many-streams` if `maxStreams` questions wait.
   */
  ask(question: AuthorizeRequest): Permission | Promise<Permission>;
  /** @throws ProgressError `not-authenticated` if the permission has ended. */
  check(permission: Permission): void;
}

/** The settings of an {@link Authorizer}. */
type AuthorizerSettings = Pick<
  Settings,
  "authorize" | "authorizeTimeoutMs" | "maxStreams" | "clock"
>;

/** Starts without a question that waits. */
export function createAuthorizer(settings: AuthorizerSettings): Authorizer {
  const { authorize, authorizeTimeoutMs, maxStreams, clock } = settings;
  let waiting = 0;

  /** The question counts until the app answers or its time is over, even if its client has left. */
  async function wait(
    answer: PromiseLike<unknown>,
    question: AuthorizeRequest,
  ): Promise<Permission> {
    waiting += 1;
    try {
      const late = () => timedOut(question, authorizeTimeoutMs);
      const decision = await within(authorizeTimeoutMs, awaitApp(answer, question), late);
      return permit(decision, question);
    } finally {
      waiting -= 1;
    }
  }

  function permit(decision: unknown, question: AuthorizeRequest): Permission {
    const permission = permissionOf(decision, question);
    check(permission);
    return permission;
  }

  function check({ until }: Permission): void {
    if (until <= clock()) throw denied("not-authenticated", "The permission has ended.");
  }

  return {
    check,
    ask(question) {
      if (waiting >= maxStreams) throw tooManyQuestions(maxStreams);
      const answer = callApp(authorize, question);
      return isThenable(answer) ? wait(answer, question) : permit(answer, question);
    },
  };
}

function callApp(authorize: Authorize, question: AuthorizeRequest): unknown {
  try {
    return authorize(question);
  } catch (cause) {
    throw appFailed(question, "authorize threw", cause);
  }
}

async function awaitApp(
  answer: PromiseLike<unknown>,
  question: AuthorizeRequest,
): Promise<unknown> {
  try {
    return await answer;
  } catch (cause) {
    throw appFailed(question, "The promise of authorize rejected", cause);
  }
}

/** If `then` throws, the answer is no decision either: awaiting it rejects. */
function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if (typeof answer !== "object" || answer === null) return false;
  try {
    return typeof (answer as { then?: unknown }).then === "function";
  } catch {
    return true;
  }
}

/** Reads each property once: a decision may be any object of the app. */
function permissionOf(decision: unknown, question: AuthorizeRequest): Permission {
  if (decision === true) return { until: Number.POSITIVE_INFINITY, principals: [] };
  if (decision === false) throw denied("forbidden", refusedBy(question));
  const { allow, until, principal, reason } = partsOf(decision, question);
  if (allow === true && isOptional(until, isTime) && isOptional(principal, isPrincipal))
    return {
      until: until ?? Number.POSITIVE_INFINITY,
      principals: principal === undefined ? [] : [principal],
    };
  if (allow === false && isOptional(reason, isReason))
    throw denied(reason ?? "forbidden", refusedBy(question));
  throw noDecision(
    question,
    `{ allow: ${shown(allow)}, until: ${shown(until)}, principal: ${shownType(principal)}, reason: ${shown(reason)} }`,
  );
}

interface DecisionParts {
  readonly allow?: unknown;
  readonly until?: unknown;
  readonly principal?: unknown;
  readonly reason?: unknown;
}

/** A missing `return` must neither allow a request nor look like a decision to deny it. */
function partsOf(decision: unknown, question: AuthorizeRequest): DecisionParts {
  if (typeof decision !== "object" || decision === null)
    throw noDecision(question, shown(decision));
  try {
    const { allow, until, principal, reason } = decision as DecisionParts;
    return { allow, until, principal, reason };
  } catch (cause) {
    throw appFailed(question, "The decision of authorize threw", cause);
  }
}

function isOptional<Value>(
  value: unknown,
  isValid: (value: unknown) => value is Value,
): value is Value | undefined {
  return value === undefined || isValid(value);
}

const MAX_PRINCIPAL_LENGTH = 256;

function isPrincipal(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_PRINCIPAL_LENGTH;
}

/** A principal may be personal, so a message shows no more than its length. */
function shownType(principal: unknown): string {
  return typeof principal === "string" ? `${principal.length} characters` : shown(principal);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && !Number.isNaN(value);
}

const REASONS = ["not-authenticated", "forbidden"] as const;
type Reason = (typeof REASONS)[number];

function isReason(value: unknown): value is Reason {
  return REASONS.some((reason) => reason === value);
}

function refusedBy({ action }: AuthorizeRequest): string {
  return `The app did not allow the action "${action}".`;
}

function denied(code: Reason, message: string): ProgressError {
  return new ProgressError(code, { message, status: code === "forbidden" ? 403 : 401 });
}

function noDecision(question: AuthorizeRequest, decision: string): ProgressError {
  return appFailed(
    question,
    `authorize must return true, false, { allow: true, until?, principal? } with milliseconds and a string of 1 to ` +
      `${MAX_PRINCIPAL_LENGTH} characters, or { allow: false, reason? } with "not-authenticated" or "forbidden"; ` +
      `it returned ${decision}`,
  );
}

function appFailed({ action }: AuthorizeRequest, what: string, cause?: unknown): ProgressError {
  return new ProgressError("internal", {
    message: `${what} for the action "${action}".`,
    status: 500,
    cause,
  });
}

function timedOut({ action }: AuthorizeRequest, timeoutMs: number): ProgressError {
  return new ProgressError("authorize-timed-out", {
    message:
      `authorize did not decide about the action "${action}" within ${timeoutMs} ms. ` +
      "Make it faster, or raise authorizeTimeoutMs.",
    retryable: true,
    status: 503,
    details: { action, timeoutMs },
  });
}

function tooManyQuestions(max: number): ProgressError {
  return new ProgressError("too-many-streams", {
    message: `${max} requests wait for authorize, which is the limit. Make authorize faster, or raise maxStreams.`,
    retryable: true,
    status: 429,
    details: { max },
  });
}
