import type { LogLine } from "@emlinh/progress-client";
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
import type { VideoInput } from "../video-input.js";
import { type CardCallbacks, createActions } from "./actions.js";
import { createBar } from "./bar.js";
import { createLinkButton } from "./link-button.js";
import { createLog } from "./log.js";
import { createStage } from "./stage.js";
import { createSteps } from "./steps.js";

/** The state of a card. */
interface CardState {
  readonly video: Video | undefined;
  readonly log: readonly LogLine[];
  readonly input: VideoInput | undefined;
  /** Whether the server refused further data of the job. */
  readonly isGone: boolean;
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
      const { video, texts } = state;
      const phase = phaseOf(video, state.isGone);
      const { percent, text, remaining } = progressOf(video, phase, texts);
      const topic = video?.metadata.topic ?? state.input?.topic ?? "";
      element.dataset.phase = phase;
      element.dataset.tone = toneOf(phase);
      setAttribute(element, "aria-label", topic || texts.headline[phase]);
      // There is nothing to show of an unknown video.
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
      stage.render({ video, input: state.input, isBusy: isLive(phase), texts });
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

/** The title of a finished video, else the headline with the number of the attempt if there were several. */
function headlineOf(video: Video | undefined, headline: string, texts: Texts): string {
  if (video?.result) return video.result.title;
  return video !== undefined && video.attempt > 1
    ? `${headline} · ${texts.attempt(video.attempt)}`
    : headline;
}
