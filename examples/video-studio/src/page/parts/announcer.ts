import { el } from "../dom.js";

const KEPT = 3;

/**
 * Says things to screen readers, politely: a step that begins, an end. Each is an element of its own, so that two at once are both
 * read; the old ones go, or they would be read again by whoever browses there.
 */
export function createAnnouncer(): {
  readonly element: HTMLElement;
  say(text: string): void;
} {
  const element = el("div", {
    class: "visually-hidden",
    attributes: { role: "status", "aria-live": "polite", "aria-relevant": "additions" },
  });
  return {
    element,
    say(text) {
      if (element.lastElementChild?.textContent === text) return;
      element.append(el("p", { text }));
      while (element.childElementCount > KEPT) element.firstElementChild?.remove();
    },
  };
}
