import type { CardView } from "../card-view.js";
import { el, setText } from "../dom.js";
import { type IconName, icon } from "../icons.js";
import type { Tone } from "../job-view.js";

const ICONS: Readonly<Record<Tone, IconName>> = {
  waiting: "clock",
  working: "spark",
  good: "check",
  bad: "alert",
  neutral: "stop",
};

/** The head of a card: icon, headline, explanation, percent and remaining time. */
export interface CardHead {
  readonly element: HTMLElement;
  readonly headline: HTMLElement;
  render(view: CardView): void;
}

/** Creates the head. @param controls - Elements at its end. */
export function createCardHead(...controls: readonly HTMLElement[]): CardHead {
  const mark = el("span", { class: "card-mark" });
  const headline = el("h2", { class: "card-headline", attributes: { tabindex: -1 } });
  const explanation = el("p", { class: "card-explanation" });
  const percent = el("span", { class: "card-percent", attributes: { "aria-hidden": "true" } });
  const remaining = el("span", { class: "card-remaining", attributes: { "aria-hidden": "true" } });
  const element = el("header", { class: "card-head" }, [
    mark,
    el("div", { class: "card-titles" }, [headline, explanation]),
    el("div", { class: "card-figures" }, [percent, remaining]),
    ...controls,
  ]);
  let tone: Tone | undefined;
  return {
    element,
    headline,
    render(view) {
      if (view.tone !== tone) {
        tone = view.tone;
        mark.replaceChildren(icon(ICONS[tone]));
      }
      setText(headline, view.headline);
      setText(explanation, view.explanation);
      setText(percent, view.percentText);
      setText(remaining, view.remaining);
    },
  };
}

/** The value of a card's bar for screen readers. */
export function valueTextOf({ percentText, headline, remaining }: CardView): string {
  return [percentText || headline, remaining].filter(Boolean).join(", ");
}
