import { presenterArt } from "../art.js";
import { el, setAttribute, setHidden, setText } from "../dom.js";
import { icon } from "../icons.js";
import { type RowView, rowView } from "../row-view.js";
import type { Texts } from "../texts/texts.js";
import type { WatchedVideo } from "../watched-video.js";
import { createBar } from "./bar.js";
import { createButton } from "./button.js";
import { createPreview } from "./preview.js";

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
  const act = createAct(open, {
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

interface Act {
  readonly button: HTMLElement;
  readonly question: HTMLElement;
  render(view: RowView, texts: Texts): void;
}

/** The button of a row and the question before it deletes. @param open - Gets the focus when they are hidden. */
function createAct(
  open: HTMLElement,
  { cancel, remove }: { cancel(): Promise<void>; remove(): Promise<void> },
): Act {
  let isAsking = false;
  let hasFailed = false;
  let isWorking = false;
  let last: { readonly view: RowView; readonly texts: Texts } | undefined;
  const label = el("span", { class: "visually-hidden" });
  const button = el(
    "button",
    { class: "row-act", attributes: { type: "button" }, on: { click: () => press() } },
    [label],
  );
  const text = el("span", { class: "row-question-text" });
  const yes = createButton("danger", "trash", () => work(remove));
  const no = el("button", {
    class: "button quiet",
    attributes: { type: "button" },
    on: { click: () => ask(false) },
  });
  const question = el("div", { class: "row-question", attributes: { role: "group" } }, [
    text,
    yes.element,
    no,
  ]);
  question.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    // The popover around it stays open.
    event.preventDefault();
    ask(false);
  });

  function press(): void {
    if (last?.view.action === "cancel") work(cancel);
    else if (last?.view.action === "delete") ask(true);
  }

  function ask(next: boolean): void {
    isAsking = next;
    hasFailed = false;
    rerender();
    (next ? no : button).focus();
  }

  function work(request: () => Promise<void>): void {
    if (isWorking) return;
    isWorking = true;
    hasFailed = false;
    rerender();
    request().then(
      () => settle(false),
      () => settle(true),
    );
  }

  function settle(failed: boolean): void {
    isWorking = false;
    hasFailed = failed;
    rerender();
  }

  function rerender(): void {
    if (last !== undefined) render(last.view, last.texts);
  }

  function render(view: RowView, texts: Texts): void {
    last = { view, texts };
    const isDelete = view.action !== "cancel";
    if (!isDelete) isAsking = false;
    const name = isDelete ? texts.deleteVideo(view.title) : texts.cancelVideo(view.title);
    setText(label, name);
    setAttribute(button, "title", name);
    setAttribute(button, "aria-disabled", isWorking ? "true" : false);
    if (button.dataset.action !== view.action) {
      button.dataset.action = view.action;
      button.replaceChildren(icon(isDelete ? "trash" : "cross"), label);
    }
    setHidden(button, view.action === "none" || isAsking, open);
    setHidden(question, !isAsking, open);
    setText(text, hasFailed ? texts.deleteFailed : texts.deleteQuestion);
    setAttribute(question, "aria-label", name);
    setText(yes.label, texts.deleteYes);
    setAttribute(yes.element, "aria-disabled", isWorking ? "true" : false);
    setText(no, texts.deleteNo);
  }

  return { button, question, render };
}
