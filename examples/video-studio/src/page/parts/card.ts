import type { LogLine } from "@emlinh/progress-client";
import { type CardFacts, cardView } from "../card-view.js";
import { el, setAttribute } from "../dom.js";
import { stepsOf } from "../job-view.js";
import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";
import { type CardCallbacks, createActions } from "./actions.js";
import { createBar } from "./bar.js";
import { createCardHead, valueTextOf } from "./card-head.js";
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
  /** Moves the focus to the headline, without scrolling. */
  focus(): void;
}

/** Creates a card. All of its boxes exist from the beginning, so the layout does not jump when they fill. */
export function createCard(callbacks: CardCallbacks): Card {
  const link = createLinkButton(callbacks.copyLink);
  const head = createCardHead(link.element);
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
    focus: () => head.headline.focus({ preventScroll: true }),
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
      head.render({
        ...view,
        explanation: view.explanation || (state.isOwn || video === undefined ? "" : texts.readOnly),
        percentText: phase === "completed" ? "" : view.percentText,
      });
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
