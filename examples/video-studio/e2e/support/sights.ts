import { VIDEO_PLAN, type VideoStepId } from "../../src/pipeline/plan.js";

/** One step's line. */
interface StepSight {
  readonly status: string;
  readonly detail: string;
}

/** One video's card. */
interface CardSight {
  readonly phase: string;
  readonly headline: string;
  readonly explanation: string;
  /** What the bar says, or `null` while it says nothing. */
  readonly percent: number | null;
  /** In the order of the plan. */
  readonly steps: readonly StepSight[];
  /** Whether a preview frame is there to be seen. */
  readonly preview: boolean;
  readonly video: boolean;
}

/** All that is asked of the page at one moment. */
export interface Sight {
  /** When that was, by the page's clock, in milliseconds since the epoch. */
  readonly at: number;
  /** When this document was begun to load: another one after a reload. */
  readonly loadedAt: number;
  /** When something was clicked last, or a key pressed. */
  readonly actedAt: number;
  /** What the banner speaks of; empty while it is hidden. */
  readonly banner: string;
  readonly cards: readonly CardSight[];
}

/** A condition that is waited for. */
export type Condition = (sight: Sight) => boolean;

/** Collects what was to be seen, so that no moment is missed that passed while a test looked elsewhere. */
export interface Sights {
  /** All of them, in order. */
  readonly all: readonly Sight[];
  /**
   * The first that meets a condition, from the one on that was given out last: it may have come already, or it is waited for.
   * Rejects if it doesn't come.
   */
  until(what: string, condition: Condition): Promise<Sight>;
  put(sight: Sight): void;
}

const DRAWING = VIDEO_PLAN.findIndex(({ id }) => id === "render");

/** Generous: two loaded cores make a video in a fraction of it. */
const PATIENCE_MS = 60_000;

/** An empty collection. */
export function collectSights(): Sights {
  const all: Sight[] = [];
  const waiting = new Set<() => void>();
  let from = 0;

  return {
    all,
    put(sight) {
      all.push(sight);
      for (const look of waiting) look();
    },
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`Never saw ${what}. Last: ${JSON.stringify(all.at(-1), null, 1)}`));
        }, PATIENCE_MS);
        const look = (): void => {
          for (; from < all.length; from += 1) {
            const sight = all[from];
            if (sight === undefined || !condition(sight)) continue;
            clearTimeout(timer);
            waiting.delete(look);
            resolve(sight);
            return;
          }
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Meets a sight whose newest card is in one of these phases. */
export function inPhase(...phases: readonly string[]): Condition {
  return ({ cards }) => phases.includes(cards.at(-1)?.phase ?? "");
}

/** Meets a sight in which frames of the newest video are being drawn and encoded. */
export const drawing: Condition = (sight) => {
  const { status, detail } = sight.cards.at(-1)?.steps[DRAWING] ?? {};
  return inPhase("running")(sight) && status === "running" && detail !== "";
};

/** What the bar of one card said, in order, without the moments in which it said nothing. */
export function percentsOf(sights: readonly Sight[], card = 0): readonly number[] {
  return sights
    .map(({ cards }) => cards[card]?.percent ?? null)
    .filter((percent) => percent !== null);
}

/** The falls of the bar of one card, as `from→to`: none may be. */
export function fallsOf(sights: readonly Sight[], card = 0): readonly string[] {
  const percents = percentsOf(sights, card);
  return percents
    .map((percent, index) => [percents[index - 1] ?? 0, percent] as const)
    .filter(([before, after]) => after < before)
    .map(([before, after]) => `${before}→${after}`);
}

/** The statuses that each step went through, in order. */
export function historyOf(
  sights: readonly Sight[],
  card = 0,
): Readonly<Record<VideoStepId, readonly string[]>> {
  const history = VIDEO_PLAN.map(({ id }, index) => {
    const statuses = sights.map(({ cards }) => cards[card]?.steps[index]?.status ?? "absent");
    return [id, statuses.filter((status, at) => status !== statuses[at - 1])] as const;
  });
  return Object.fromEntries(history) as unknown as Record<VideoStepId, readonly string[]>;
}
