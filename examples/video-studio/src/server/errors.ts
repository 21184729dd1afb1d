import type { ErrorRequestHandler, RequestHandler } from "express";
import { type Problem, sendProblem } from "./problem.js";
import { languageFor, TEXTS, type Texts } from "./texts.js";

/** The properties that errors of Express and of its parsers have. */
interface HttpError {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request that no route answered. */
export function notFound(): RequestHandler {
  return (req, res) => {
    const { notFound: detail, title } = TEXTS[languageFor(req)];
    sendProblem(res, { status: 404, code: "not-found", title, detail });
  };
}

/**
 * Answers a request that failed. The user gets the reason for an invalid request only. An error of the server is passed
 * to `onFault`.
 */
export function problemHandler(onFault: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    const problem = problemOf(error as HttpError, TEXTS[languageFor(req)]);
    if (problem.status >= 500) onFault(error);
    // The answer has begun, so it can't be replaced. Express closes the connection.
    if (res.headersSent) return next(error);
    sendProblem(res, problem);
  };
}

function problemOf({ status = 500, type, headers }: HttpError, texts: Texts): Problem {
  const { title } = texts;
  if (status === 413) return { status, code: "too-large", title, detail: texts.tooLarge };
  if (type === "entity.parse.failed")
    return { status: 400, code: "not-json", title, detail: texts.notJson };
  if (status === 404) return { status, code: "not-found", title, detail: texts.notFound };
  if (status >= 400 && status < 500)
    return { status, code: "bad-request", title, detail: texts.badRequest, headers };
  return { status: 500, code: "internal", title, detail: texts.failures.internal };
}
