import type { Response } from "express";

/** An error answer (RFC 9457). It must not contain paths or messages of other libraries. */
export interface Problem {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  readonly title: string;
  /** For the user, in the user's language. */
  readonly detail: string;
  /** The invalid field of the request. */
  readonly field?: string | undefined;
  /** When the same request may succeed, in milliseconds. Sent as `Retry-After` too, which other origins can't read. */
  readonly retryAfterMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Answers with a problem. */
export function sendProblem(res: Response, problem: Problem): void {
  const { headers = {}, ...members } = problem;
  const { retryAfterMs } = problem;
  const retryAfter =
    retryAfterMs === undefined ? {} : { "Retry-After": `${Math.ceil(retryAfterMs / 1000)}` };
  res
    .status(problem.status)
    .set({ ...headers, ...retryAfter, "Cache-Control": "no-store" })
    .type("application/problem+json")
    .send(JSON.stringify({ type: "about:blank", ...members }));
}
