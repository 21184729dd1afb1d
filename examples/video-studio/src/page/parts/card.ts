import type { LogLine } from "@emlinh/progress-client";
import type { Asked } from "../asked.js";
import { el, setAttribute, setText } from "../dom.js";
import { type IconName, icon } from "../icons.js";
import {
  explain,
  isLive,
  phaseOf,
  progressOf,
  stepsOf,
  type Tone,
  toneOf,
  type Video,
} from "../job-view.js";
import type { Texts } from "../texts/texts.js";
import { type CardDeeds, createActions } from "./actions.js";
import { createBar } from "./bar.js";
import { createLinkButton } from "./link-button.js";
import { createLog } from "./log.js";
import { createStage } from "./stage.js";
import { createSteps } from "./steps.js";

/** All that a card shows. */
interface CardState {
  readonly video: Video | undefined;
  readonly log: readonly LogLine[];
  readonly asked: Asked | undefined;
  /** The server refused to tell of the job, for good. */
  readonly isGone: boolean;
  readonly isOwn: boolean;
  readonly texts: Texts;
}

/** The answer to one asked video, from the queue to the finished film. */
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

/** Makes a card. All of its boxes are there from the beginning, so that nothing jumps when they fill. */
export function createCard(deeds: CardDeeds): Card {
  const link = createLinkButton(deeds.copyLink);
  const head = createHead(link.element);
  const bar = createBar();
  const stage = createStage();
  const steps = createSteps();
  const log = createLog();
  const actions = createActions(deeds, head.headline);
  const side = el("div", { class: "card-side" }, [steps.element, actions.element]);
  const body = el("div", { class: "card-body" }, [stage.element, side]);
  const element = el("article", { class: "card" }, [head.element, bar.element, body, log.element]);

  return {
    element,
    render(state) {
      const { video, texts } = state;
      const phase = phaseOf(video, state.isGone);
      const { percent, text, remaining } = progressOf(video, phase, texts);
      const topic = video?.metadata.topic ?? state.asked?.topic ?? "";
      element.dataset.phase = phase;
      element.dataset.tone = toneOf(phase);
      setAttribute(element, "aria-label", topic || texts.headline[phase]);
      // Of a video that isn't there, there is nothing to show.
      const isEmpty = phase === "gone" && video === undefined;
      for (const part of [bar.element, body, log.element]) part.hidden = isEmpty;
      head.render(state);
      link.render(phase, texts);
      bar.render({
        percent,
        isBusy: isLive(phase),
        label: texts.progressLabel(topic),
        valueText: [text || texts.headline[phase], remaining].filter(Boolean).join(", "),
      });
      stage.render({ video, asked: state.asked, isBusy: isLive(phase), texts });
      steps.render(stepsOf(video, phase, texts), texts);
      actions.render({ phase, video, isOwn: state.isOwn, texts });
      log.render(state.log, texts);
    },
  };
}

function createHead(link: HTMLElement): {
  readonly element: HTMLElement;
  readonly headline: HTMLElement;
  render(state: CardState): void;
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
    render({ video, isGone, isOwn, texts }) {
      const phase = phaseOf(video, isGone);
      const figures = progressOf(video, phase, texts);
      if (toneOf(phase) !== tone) {
        tone = toneOf(phase);
        mark.replaceChildren(icon(ICONS[tone]));
      }
      setText(headline, headlineOf(video, texts.headline[phase], texts));
      setText(explanation, explain(phase, video, texts) || (isOwn ? "" : texts.readOnly));
      setText(percent, phase === "completed" ? "" : figures.text);
      setText(remaining, figures.remaining);
    },
  };
}

/** The finished video is called by its title; a second attempt is called one. */
function headlineOf(video: Video | undefined, headline: string, texts: Texts): string {
  if (video?.result) return video.result.title;
  return video !== undefined && video.attempt > 1
    ? `${headline} · ${texts.attempt(video.attempt)}`
    : headline;
}
