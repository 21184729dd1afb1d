import { el, setText } from "../dom.js";
import type { I18n } from "../i18n.js";

/** A button above the conversation that shows the older videos. It is hidden if there are none. */
export function createEarlierVideos(
  i18n: I18n,
  onClick: () => void,
): { readonly element: HTMLElement; render(count: number): void } {
  const element = el("button", {
    class: "button quiet earlier",
    attributes: { type: "button" },
    on: { click: onClick },
  });
  return {
    element,
    render(count) {
      setText(element, i18n.texts.earlierVideos(count));
      element.hidden = count === 0;
    },
  };
}
