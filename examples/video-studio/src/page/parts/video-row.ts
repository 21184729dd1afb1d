import { presenterArt } from "../art.js";
import { el, setAttribute, setText } from "../dom.js";
import { type RowView, rowView } from "../row-view.js";
import type { Texts } from "../texts/texts.js";
import type { WatchedVideo } from "../watched-video.js";
import { createBar } from "./bar.js";
import { createPreview } from "./preview.js";
import { createRowAct } from "./row-act.js";

/** The actions of the videos in a list. They reject if the request failed. */
export interface RowCallbacks {
  /** Shows the video in the conversation. */
  open(jobId: string): void;
  cancel(jobId: string): Promise<void>;
  remove(jobId: string): Promise<void>;
}

/** One video of a list: its picture, title and state, and a button that cancels or deletes it. */
export interface VideoRow {
  readonly element: HTMLElement;
  render(watched: WatchedVideo, texts: Texts): void;
  focus(): void;
}

/** Creates a row. Before it deletes, it asks. */
export function createVideoRow(jobId: string, callbacks: RowCallbacks): VideoRow {
  const picture = createPicture();
  const title = el("span", { class: "row-title" });
  const state = el("span", { class: "row-state" });
  const open = el(
    "button",
    {
      class: "row-open",
      attributes: { type: "button" },
      on: { click: () => callbacks.open(jobId) },
    },
    [picture.element, el("span", { class: "row-text" }, [title, state])],
  );
  const bar = createBar();
  const act = createRowAct(open, {
    cancel: () => callbacks.cancel(jobId),
    remove: () => callbacks.remove(jobId),
  });
  const element = el("li", { class: "row" }, [open, act.button, act.question, bar.element]);
  let last: { readonly watched: WatchedVideo; readonly texts: Texts } | undefined;

  return {
    element,
    focus: () => open.focus(),
    render(watched, texts) {
      if (last?.texts === texts && isSame(last.watched, watched)) return;
      last = { watched, texts };
      const view = rowView(watched, Date.now(), texts);
      element.dataset.tone = view.tone;
      element.dataset.phase = watched.phase;
      setText(title, view.title);
      setText(state, view.state);
      setAttribute(open, "title", view.title);
      picture.render(watched, view);
      bar.element.hidden = view.percent === null;
      bar.render({
        percent: view.percent,
        isBusy: false,
        label: texts.progressLabel(view.title),
        valueText: view.state,
      });
      act.render(view, texts);
    },
  };
}

/** Whether two states look the same. A silence is counted in seconds. */
function isSame(before: WatchedVideo, after: WatchedVideo): boolean {
  const { video, phase, news } = after;
  return (
    before.video === video &&
    before.phase === phase &&
    before.news.kind === news.kind &&
    news.kind !== "quiet"
  );
}

function createPicture(): {
  readonly element: HTMLElement;
  render(watched: WatchedVideo, view: RowView): void;
} {
  const preview = createPreview();
  const element = el("span", { class: "stage row-picture" }, [presenterArt(), preview.element]);
  return {
    element,
    render({ video }, { picture }) {
      element.dataset.background = video?.metadata.background ?? "violet";
      element.dataset.composition = video?.metadata.composition ?? "presenter";
      // The title is beside it.
      preview.render(picture, "");
    },
  };
}
