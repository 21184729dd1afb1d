import type { Exchange } from "./exchange.js";

/** The parts of the page that may cover the conversation. */
export interface RevealArea {
  readonly header: HTMLElement;
  readonly dock: HTMLElement;
}

/** Scrolls to an exchange. */
export interface Revealer {
  /**
   * Shows the whole exchange between header and composer if there is room, else the whole card, else the card's start.
   */
  reveal(exchange: Exchange, behavior?: ScrollBehavior): void;
  /**
   * Must be called after each change. The first data of a job may make its exchange longer. Then it is revealed again.
   */
  update(): void;
}

/** The space between the card and the composer, in CSS pixels. */
const GAP = 12;

/** Creates a revealer. It no longer scrolls to an exchange once the user has scrolled. */
export function createRevealer(area: RevealArea): Revealer {
  let waiting: { readonly exchange: Exchange; readonly height: number } | undefined;
  for (const type of ["wheel", "touchmove", "keydown", "pointerdown"])
    addEventListener(type, () => (waiting = undefined), { passive: true });

  return {
    reveal(exchange, behavior = "auto") {
      const { state, element } = exchange;
      waiting = state.video === undefined ? { exchange, height: element.offsetHeight } : undefined;
      scrollToExchange(element, area, behavior);
    },
    update() {
      if (waiting?.exchange.state.video === undefined) return;
      const { exchange, height } = waiting;
      waiting = undefined;
      if (exchange.element.offsetHeight === height) return;
      scrollToExchange(exchange.element, area, "instant");
    },
  };
}

function scrollToExchange(
  exchange: HTMLElement,
  { header, dock }: RevealArea,
  behavior: ScrollBehavior,
): void {
  const card = exchange.querySelector(".card") ?? exchange;
  const top = covered(header) + GAP;
  const bottom = innerHeight - covered(dock) - GAP;
  const whole = exchange.getBoundingClientRect();
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
