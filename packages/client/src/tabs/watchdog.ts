import type { Schedule } from "../transports/http.js";

/** The silence of a leader after which it is asked whether it is alive. */
const ASK_AFTER_MS = 8000;

/** The time for an answer. */
const ANSWER_WITHIN_MS = 3000;

/** Added to both times at random, so that one of several followers is the first. */
const SPREAD_MS = 1500;

/** A timer that is later than this shows that this page itself was suspended, so the leader gets another chance. */
const LATE_MS = 2000;

/** Watches whether the leader is alive. A follower notices a leader that does nothing after 14 s at most. */
export interface Watchdog {
  /** The leader has told something. */
  heard(): void;
  /** The leader was asked something. */
  asked(): void;
  stop(): void;
}

/** The surroundings of a watchdog. */
export interface WatchdogContext {
  readonly schedule: Schedule;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: () => number;
  /** Asks the leader. If it is alive it answers at once: browsers do not delay messages as they delay timers. */
  ask(): void;
  /** The leader did not answer. */
  onDead(): void;
}

/** Makes a watchdog that waits for its first call. */
export function watchdog({ schedule, clock, random, ask, onDead }: WatchdogContext): Watchdog {
  let cancel: (() => void) | undefined;
  let isAsking = false;

  function stop(): void {
    cancel?.();
    cancel = undefined;
    isAsking = false;
  }

  function asked(): void {
    if (isAsking) return;
    stop();
    isAsking = true;
    const delayMs = ANSWER_WITHIN_MS + random() * SPREAD_MS;
    const dueAt = clock() + delayMs;
    cancel = schedule(() => {
      stop();
      if (clock() > dueAt + LATE_MS) ask();
      else onDead();
    }, delayMs);
  }

  return {
    heard() {
      stop();
      cancel = schedule(ask, ASK_AFTER_MS + random() * SPREAD_MS);
    },
    asked,
    stop,
  };
}
