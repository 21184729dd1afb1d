import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import { asProgressError } from "../../shared/errors.js";
import { elapsed } from "../../shared/time.js";
import type { AuthorizeRequest, Permission } from "../authorize.js";
import type { Settings } from "../options.js";
import type { Authorizer } from "./authorizer.js";

/** The repeated questions whether one open stream is still allowed. */
export interface Recheck {
  /**
   * Asks the app if it is time.
   *
   * @param now - By {@link elapsed}.
   * @param onRefused - Called later if the app refuses, or once the permission that it gave again has ended.
   */
  tick(now: number, onRefused: () => void): void;
}

/** Begins to ask about a stream: one question for each of its jobs and subjects. */
export type StartRecheck = (questions: readonly AuthorizeRequest[]) => Recheck;

/** Questions that are asked at once in a process: many streams may be due at the same time. */
const MAX_QUESTIONS = 50;

type RecheckSettings = Pick<Settings, "recheckMs" | "random" | "clock" | "onError">;

/**
 * Asks the app again about open streams, each after `recheckMs`, up to a fifth earlier at random (P58). If the app
 * fails to decide, the stream stays open until the next question: a fault of the app's session store must not close
 * all streams.
 *
 * @returns `undefined` if `recheckMs` is off.
 */
export function createRecheck(
  authorizer: Authorizer,
  settings: RecheckSettings,
): StartRecheck | undefined {
  const { recheckMs, random, clock, onError } = settings;
  if (recheckMs === Number.POSITIVE_INFINITY) return undefined;
  const ask = questionQueue((question) => askAgain(authorizer, question, onError));
  const nextDue = (): number => elapsed() + recheckMs * (1 - random() / 5);
  const startOne = (question: AuthorizeRequest): Recheck => {
    let dueAt = nextDue();
    let until = Number.POSITIVE_INFINITY;
    return {
      tick(now, onRefused) {
        if (until <= clock()) {
          onRefused();
          return;
        }
        if (now < dueAt) return;
        // Not due again before the answer.
        dueAt = Number.POSITIVE_INFINITY;
        ask(question, (answer) => {
          dueAt = nextDue();
          if (answer === "refused") onRefused();
          else if (answer !== "unknown") until = answer.until;
        });
      },
    };
  };
  return (questions) => {
    const rechecks = questions.map(startOne);
    return {
      tick(now, onRefused) {
        for (const recheck of rechecks) recheck.tick(now, onRefused);
      },
    };
  };
}

/** `unknown`: the app failed to decide. */
type AppAnswer = Permission | "refused" | "unknown";

async function askAgain(
  authorizer: Authorizer,
  question: AuthorizeRequest,
  onError: (error: ProgressError) => void,
): Promise<AppAnswer> {
  try {
    return await authorizer.ask(question);
  } catch (error) {
    if (isProgressError(error, "forbidden") || isProgressError(error, "not-authenticated"))
      return "refused";
    // The questions of new requests may have reached their bound, which is no fault of the app.
    if (!isProgressError(error, "too-many-streams"))
      onError(asProgressError(error, "An open stream could not be authorized again."));
    return "unknown";
  }
}

type OnAnswer = (answer: AppAnswer) => void;

/** Asks at most {@link MAX_QUESTIONS} at once, in order. @param ask - Must not reject. */
function questionQueue(
  ask: (question: AuthorizeRequest) => Promise<AppAnswer>,
): (question: AuthorizeRequest, onAnswer: OnAnswer) => void {
  const waiting = new Map<AuthorizeRequest, OnAnswer>();
  let asking = 0;

  function askNext(): void {
    for (const [question, onAnswer] of waiting) {
      if (asking >= MAX_QUESTIONS) return;
      waiting.delete(question);
      asking += 1;
      void ask(question).then((answer) => {
        asking -= 1;
        onAnswer(answer);
        askNext();
      });
    }
  }

  return (question, onAnswer) => {
    waiting.set(question, onAnswer);
    askNext();
  };
}
