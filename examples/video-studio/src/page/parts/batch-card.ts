import { batchView } from "../batch-view.js";
import { el, setAttribute } from "../dom.js";
import type { Texts } from "../texts/texts.js";
import type { WatchedList } from "../watched-list.js";
import { createBar } from "./bar.js";
import { createCardHead, valueTextOf } from "./card-head.js";
import type { RowCallbacks } from "./video-row.js";
import { createVideoRows } from "./video-rows.js";

/** The answer to a batch: its counts and its bar, and below them its videos. */
export interface BatchCard {
  readonly element: HTMLElement;
  render(list: WatchedList, texts: Texts): void;
  /** Moves the focus to the headline, without scrolling. */
  focus(): void;
}

/** Creates the card of a batch. */
export function createBatchCard(callbacks: RowCallbacks): BatchCard {
  const head = createCardHead();
  const bar = createBar();
  const rows = createVideoRows(callbacks, head.headline);
  const element = el("article", { class: "card batch" }, [head.element, bar.element, rows.element]);
  return {
    element,
    focus: () => head.headline.focus({ preventScroll: true }),
    render(list, texts) {
      const view = batchView(list, texts);
      element.dataset.tone = view.tone;
      element.dataset.news = list.isUnseen ? "unseen" : "current";
      setAttribute(element, "aria-label", view.headline);
      head.render(view);
      bar.element.hidden = list.isRefused;
      bar.render({
        percent: view.percent,
        isBusy: view.isBusy,
        label: texts.progressLabel(texts.batchMaking(list.summary.total)),
        valueText: valueTextOf(view),
      });
      // In the order of the lines.
      rows.render(list.videos.toReversed(), texts);
    },
  };
}
