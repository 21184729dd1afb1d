import type { LogLine } from "@emlinh/progress-client";
import { type CardFacts, type CardView, cardView } from "../card-view.js";
import { el, setAttribute, setText } from "../dom.js";
import { type IconName, icon } from "../icons.js";
import { stepsOf, type Tone } from "../job-view.js";
import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";
import { type CardCallbacks, createActions } from "./actions.js";
import { createBar } from "./bar.js";
import { createLinkButton } from "./link-button.js";
import { createLog } from "./log.js";
import { createStage } from "./stage.js";
import { createSteps } from "./steps.js";

/** The state of a card. */
interface CardState extends CardFacts {
  readonly log: readonly LogLine[];
  readonly input: VideoInput | undefined;
  readonly isOwn: boolean;
  readonly texts: Texts;
}

/** The answer to one requested video, from the queue to the finished video. */
export interface Card {
  readonly element: HTMLElement;
  render(state: CardState): void;
}

const ICONS: Readonly<Record<Tone, IconName>> = {
  waiting: "clock",
  working: "spark",
  good: "check",
  bad: "alert",
  neutral: "stop",
};

/** Creates a card. All of its boxes exist from the beginning, so the layout does not jump when they fill. */
export function createCard(callbacks: CardCallbacks): Card {
  const link = createLinkButton(callbacks.copyLink);
  const head = createHead(link.element);
  const bar = createBar();
  const stage = createStage();
  const steps = createSteps();
  const log = createLog();
  const actions = createActions(callbacks, head.headline);
  const side = el("div", { class: "card-side" }, [steps.element, actions.element]);
  const body = el("div", { class: "card-body" }, [stage.element, side]);
  const element = el("article", { class: "card" }, [head.element, bar.element, body, log.element]);

  return {
    element,
    render(state) {
      const { phase, video, news, texts } = state;
      const view = cardView(state, texts);
      const topic = video?.metadata.topic ?? state.input?.topic ?? "";
      element.dataset.phase = phase;
      element.dataset.tone = view.tone;
      element.dataset.news = news.kind;
      setAttribute(element, "aria-label", topic || texts.headline[phase]);
      // There is nothing to show of an unknown video.
      const isEmpty = phase === "gone" && video === undefined;
      for (const part of [bar.element, body, log.element]) part.hidden = isEmpty;
      head.render(phase === "completed" ? { ...view, percentText: "" } : view, state);
      link.render(phase, texts);
      bar.render({
        percent: view.percent,
        isBusy: view.isBusy,
        label: texts.progressLabel(topic),
        valueText: valueTextOf(view),
      });
      stage.render({ video, input: state.input, isBusy: view.isBusy, texts });
      steps.render(stepsOf(video, phase, texts), texts);
      actions.render({ phase, video, isOwn: state.isOwn, texts });
      log.render(state.log, texts);
    },
  };
}

function createHead(link: HTMLElement): {
  readonly element: HTMLElement;
  readonly headline: HTMLElement;
  render(view: CardView, state: Pick<CardState, "isOwn" | "texts">): void;
} {
  const mark = el("span", { class: "card-mark" });
  const headline = el("h2", { class: "card-headline", attributes: { tabindex: -1 } });
  const explanation = el("p", { class: "card-explanation" });
  const percent = el("span", { class: "card-percent", attributes: { "aria-hidden": "true" } });
  const remaining = el("span", { class: "card-remaining", attributes: { "aria-hidden": "true" } });
  const element = el("header", { class: "card-head" }, [
    mark,
    el("div", { class: "card-titles" }, [headline, explanation]),
    el("div", { class: "card-figures" }, [percent, remaining]),
    link,
  ]);
  let tone: Tone | undefined;
  return {
    element,
    headline,
    render(view, { isOwn, texts }) {
      if (view.tone !== tone) {
        tone = view.tone;
        mark.replaceChildren(icon(ICONS[tone]));
      }
      setText(headline, view.headline);
      setText(explanation, view.explanation || (isOwn ? "" : texts.readOnly));
      setText(percent, view.percentText);
      setText(remaining, view.remaining);
    },
  };
}

/** The value of the bar for screen readers. */
function valueTextOf({ percentText, headline, remaining }: CardView): string {
  return [percentText || headline, remaining].filter(Boolean).join(", ");
}
