import { el } from "../dom.js";

const MAX_TEXTS = 3;

/**
 * Announces texts to screen readers, such as a step that begins. Each text has its own element, so that two texts at
 * the same time are both read. Old ones are removed, so that a user who browses the page does not read them again.
 */
export function createAnnouncer(): {
  readonly element: HTMLElement;
  announce(text: string): void;
} {
  const element = el("div", {
    class: "visually-hidden",
    attributes: { role: "status", "aria-live": "polite", "aria-relevant": "additions" },
  });
  return {
    element,
    announce(text) {
      if (element.lastElementChild?.textContent === text) return;
      element.append(el("p", { text }));
      while (element.childElementCount > MAX_TEXTS) element.firstElementChild?.remove();
    },
  };
}
