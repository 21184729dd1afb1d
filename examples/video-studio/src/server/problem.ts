import type { Response } from "express";

/** A refusal, as the page is told of it (RFC 9457). Nothing of it may name a path or quote a foreign error. */
export interface Problem {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  readonly title: string;
  /** For people, in their language. */
  readonly detail: string;
  /** The part of the request that is wrong. */
  readonly field?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Answers with a problem. */
export function sendProblem(res: Response, problem: Problem): void {
  const { headers = {}, ...members } = problem;
  res
    .status(problem.status)
    .set({ ...headers, "Cache-Control": "no-store" })
    .type("application/problem+json")
    .send(JSON.stringify({ type: "about:blank", ...members }));
}
