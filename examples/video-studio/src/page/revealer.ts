import type { Entry } from "./entry.js";

/** The parts of the page that may cover the conversation. */
export interface RevealArea {
  readonly header: HTMLElement;
  readonly dock: HTMLElement;
}

/** Scrolls to an entry of the conversation. */
export interface Revealer {
  /**
   * Shows the whole entry between header and composer if there is room, else the whole card, else the card's start.
   */
  reveal(entry: Entry, behavior?: ScrollBehavior): void;
  /**
   * Must be called after each change. The first data of a job may make its entry longer. Then it is revealed again.
   */
  update(): void;
}

/** The space between the card and the composer, in CSS pixels. */
const GAP = 12;

/** Creates a revealer. It no longer scrolls to an entry once the user has scrolled. */
export function createRevealer(area: RevealArea): Revealer {
  let waiting: { readonly entry: Entry; readonly height: number } | undefined;
  for (const type of ["wheel", "touchmove", "keydown", "pointerdown"])
    addEventListener(type, () => (waiting = undefined), { passive: true });

  return {
    reveal(entry, behavior = "auto") {
      const { isLoaded, element, link } = entry;
      const isComplete = isLoaded && link.kind === "job";
      waiting = isComplete ? undefined : { entry, height: element.offsetHeight };
      scrollToEntry(element, area, behavior);
    },
    update() {
      if (!waiting?.entry.isLoaded) return;
      const { entry, height } = waiting;
      // A batch grows with each of its videos.
      waiting =
        entry.link.kind === "job" ? undefined : { entry, height: entry.element.offsetHeight };
      if (entry.element.offsetHeight === height) return;
      scrollToEntry(entry.element, area, "instant");
    },
  };
}

function scrollToEntry(
  entry: HTMLElement,
  { header, dock }: RevealArea,
  behavior: ScrollBehavior,
): void {
  const card = entry.querySelector(".card") ?? entry;
  const top = covered(header) + GAP;
  const bottom = innerHeight - covered(dock) - GAP;
  const whole = entry.getBoundingClientRect();
  const answer = card.getBoundingClientRect();
  const by =
    whole.height <= bottom - top
      ? whole.top - top
      : answer.height <= bottom - top
        ? answer.bottom - bottom
        : answer.top - top;
  scrollBy({ top: by, behavior });
}

/** The height that an element always covers. On a short screen it scrolls away instead. */
function covered(element: HTMLElement): number {
  return getComputedStyle(element).position === "sticky" ? element.offsetHeight : 0;
}
