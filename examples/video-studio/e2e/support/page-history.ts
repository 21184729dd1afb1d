import { VIDEO_PLAN, type VideoStepId } from "../../src/pipeline/plan.js";

/** The line of one step. */
interface StepLine {
  readonly status: string;
  readonly detail: string;
}

/** The card of one video. */
interface CardState {
  readonly phase: string;
  readonly headline: string;
  readonly explanation: string;
  /** The estimated time until the end, or an empty string. */
  readonly remaining: string;
  /** The value of the bar, or `null` if it has none. */
  readonly percent: number | null;
  /** In the order of the plan. */
  readonly steps: readonly StepLine[];
  /** Whether a preview frame is visible. */
  readonly preview: boolean;
  readonly video: boolean;
}

/** The bar of one batch. */
interface BatchState {
  readonly headline: string;
  readonly explanation: string;
  readonly percent: number | null;
  readonly rows: number;
}

/** One video in the list "Your videos". */
interface RowState {
  readonly phase: string;
  readonly title: string;
  readonly state: string;
}

/** The state of the page at one time. */
export interface PageState {
  /** The time of this state by the page's clock, in milliseconds since the epoch. */
  readonly at: number;
  /** The time at which the document began to load. It changes with a reload. */
  readonly loadedAt: number;
  /** The time of the last click or key press. */
  readonly actedAt: number;
  /** The kind of the banner, or an empty string while it is hidden. */
  readonly banner: string;
  readonly cards: readonly CardState[];
  readonly batches: readonly BatchState[];
  readonly list: readonly RowState[];
}

/** A condition for a state. */
export type Condition = (state: PageState) => boolean;

/** Records all states, so that a test misses no state that has passed already. */
export interface PageHistory {
  /** All states, in order. */
  readonly all: readonly PageState[];
  /**
   * Resolves with the first state that meets a condition, beginning with the one that the last call returned. It may
   * have passed already. Rejects if there is none in time.
   */
  until(what: string, condition: Condition): Promise<PageState>;
  add(state: PageState): void;
}

const RENDER = VIDEO_PLAN.findIndex(({ id }) => id === "render");

/** Two busy cores make a video in much less time. */
const TIMEOUT_MS = 60_000;

/** Creates an empty history. */
export function createPageHistory(): PageHistory {
  const all: PageState[] = [];
  const waiting = new Set<() => void>();
  let next = 0;

  return {
    all,
    add(state) {
      all.push(state);
      for (const check of waiting) check();
    },
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          const last = JSON.stringify(all.at(-1), null, 1);
          reject(new Error(`The page never showed ${what}. Its last state: ${last}`));
        }, TIMEOUT_MS);
        const check = (): void => {
          for (; next < all.length; next += 1) {
            const state = all[next];
            if (state === undefined || !condition(state)) continue;
            clearTimeout(timer);
            waiting.delete(check);
            resolve(state);
            return;
          }
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Meets a state in which the newest card is in one of these phases. */
export function inPhase(...phases: readonly string[]): Condition {
  return ({ cards }) => phases.includes(cards.at(-1)?.phase ?? "");
}

/** Meets a state in which frames of the newest video are being drawn and encoded. */
export const isRendering: Condition = (state) => {
  const { status, detail } = state.cards.at(-1)?.steps[RENDER] ?? {};
  return inPhase("running")(state) && status === "running" && detail !== "";
};

/** The values of the bar of one card, in order, without the states in which it has none. */
export function percentsOf(states: readonly PageState[], card = 0): readonly number[] {
  return states
    .map(({ cards }) => cards[card]?.percent ?? null)
    .filter((percent) => percent !== null);
}

/** The falls of the bar of one card, as `from→to`. There must be none. */
export function fallsOf(states: readonly PageState[], card = 0): readonly string[] {
  const percents = percentsOf(states, card);
  return percents
    .map((percent, index) => [percents[index - 1] ?? 0, percent] as const)
    .filter(([before, after]) => after < before)
    .map(([before, after]) => `${before}→${after}`);
}

/** The statuses of each step, in order, without repetitions. */
export function statusesOf(
  states: readonly PageState[],
  card = 0,
): Readonly<Record<VideoStepId, readonly string[]>> {
  const statuses = VIDEO_PLAN.map(({ id }, index) => {
    const all = states.map(({ cards }) => cards[card]?.steps[index]?.status ?? "absent");
    return [id, all.filter((status, at) => status !== all[at - 1])] as const;
  });
  return Object.fromEntries(statuses) as unknown as Record<VideoStepId, readonly string[]>;
}
