import { isProgressError, type Refused } from "@emlinh/progress-protocol";
import type { AuthorizeRequest, Permission } from "../../authorize.js";
import type { Authorizer } from "../authorizer.js";
import type { RequestFacts } from "../types.js";
import type { Targets } from "./read-targets.js";

/** The targets that the app allows. */
export interface AllowedTargets {
  readonly jobs: readonly string[];
  readonly subjects: readonly string[];
  /** Those that it forbids. */
  readonly refused: readonly Refused[];
  /** Ends with the first of all permissions. Its principals are those of all, each once. */
  readonly permission: Permission;
  /** The questions whose answer was yes. */
  readonly questions: readonly AuthorizeRequest[];
}

/**
 * Asks the app about each job and subject, all at the same time (P66).
 *
 * @throws ProgressError `not-authenticated` if one answer is that; as `ask` does if the app failed to answer.
 */
export async function authorizeTargets(
  authorizer: Authorizer,
  { jobs, subjects }: Pick<Targets, "jobs" | "subjects">,
  facts: RequestFacts,
): Promise<AllowedTargets> {
  const questions: readonly AuthorizeRequest[] = [
    ...jobs.map((jobId): AuthorizeRequest => ({ action: "watch", jobId, facts })),
    ...subjects.map((subject): AuthorizeRequest => ({ action: "list", subject, facts })),
  ];
  const answers = await Promise.all(questions.map((question) => answerTo(authorizer, question)));
  const allowed = questions.filter((_, index) => answers[index] !== "forbidden");
  const permissions = answers.filter((answer) => answer !== "forbidden");
  return {
    jobs: allowed.flatMap(({ jobId }) => jobId ?? []),
    subjects: allowed.flatMap(({ subject }) => subject ?? []),
    refused: questions.filter((_, index) => answers[index] === "forbidden").map(forbidden),
    permission: {
      until: Math.min(...permissions.map(({ until }) => until)),
      principals: [...new Set(permissions.flatMap(({ principals }) => principals))],
    },
    questions: allowed,
  };
}

async function answerTo(
  authorizer: Authorizer,
  question: AuthorizeRequest,
): Promise<Permission | "forbidden"> {
  try {
    return await authorizer.ask(question);
  } catch (error) {
    if (isProgressError(error, "forbidden")) return "forbidden";
    throw error;
  }
}

function forbidden({ jobId, subject }: AuthorizeRequest): Refused {
  const refusal = { status: 403, code: "forbidden" } as const;
  return subject === undefined ? { job: jobId ?? "", ...refusal } : { subject, ...refusal };
}
