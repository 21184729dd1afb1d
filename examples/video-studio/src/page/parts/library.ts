import { el, setAttribute, setHidden, setText } from "../dom.js";
import type { I18n } from "../i18n.js";
import { icon } from "../icons.js";
import { isLive } from "../job-view.js";
import type { Texts } from "../texts/texts.js";
import type { WatchedList } from "../watched-list.js";
import type { RowCallbacks } from "./video-row.js";
import { createVideoRows } from "./video-rows.js";

/** The actions of the panel. */
export interface LibraryCallbacks extends RowCallbacks {
  loadMore(): Promise<void>;
}

/** The panel "Your videos". On a wide screen it is beside the conversation, otherwise a button opens it above it. */
export interface Library {
  readonly element: HTMLElement;
  /** The button that opens the panel on a narrow screen. */
  readonly toggle: HTMLElement;
  /** @param list - `undefined` while it is not known whose videos to list. */
  render(list: WatchedList | undefined): void;
}

/** The width from which the panel has its own column. The styles have the same one. */
const WIDE = "(min-width: 72rem)";
const ID = "your-videos";

/** Creates the panel. It closes when a video is opened from it. */
export function createLibrary(i18n: I18n, callbacks: LibraryCallbacks): Library {
  const heading = el("h2", {
    class: "library-title",
    attributes: { id: `${ID}-title`, tabindex: -1 },
  });
  const close = createClose();
  const note = el("p", { class: "library-note", attributes: { role: "status" } });
  const rows = createVideoRows({ ...callbacks, open: openVideo }, heading);
  const more = createMore(callbacks.loadMore, heading);
  const element = el(
    "aside",
    { class: "library", attributes: { id: ID, "aria-labelledby": heading.id } },
    [
      el("div", { class: "library-head" }, [heading, close.element]),
      note,
      rows.element,
      more.element,
    ],
  );
  const toggle = createToggle();
  useOwnColumn(element);

  function openVideo(jobId: string): void {
    if (element.popover !== null) element.hidePopover();
    callbacks.open(jobId);
  }

  return {
    element,
    toggle: toggle.element,
    render(list) {
      const { texts } = i18n;
      setText(heading, texts.yourVideos);
      close.render(texts);
      setText(note, noteOf(list, texts));
      setHidden(note, note.textContent === "");
      setAttribute(element, "data-unseen", list?.isUnseen === true);
      rows.render(list?.videos ?? [], texts);
      more.render(list?.hasMore === true, texts);
      toggle.render(list, texts);
    },
  };
}

/** The line above the videos, or an empty string. */
function noteOf(list: WatchedList | undefined, texts: Texts): string {
  if (list?.isRefused) return texts.listRefused;
  if (list?.isUnseen) return texts.listUnseen;
  if (!list?.isLoaded) return texts.listLoading;
  return list.videos.length === 0 ? texts.listEmpty : "";
}

/** Makes the panel a popover unless the screen is wide enough for a column. */
function useOwnColumn(element: HTMLElement): void {
  const wide = matchMedia(WIDE);
  const apply = (): void => {
    element.popover = wide.matches ? null : "auto";
  };
  wide.addEventListener("change", apply);
  apply();
}

function createClose() {
  const label = el("span", { class: "visually-hidden" });
  const element = el(
    "button",
    {
      class: "row-act library-close",
      attributes: { type: "button", popovertarget: ID, popovertargetaction: "hide" },
    },
    [icon("cross"), label],
  );
  return { element, render: (texts: Texts) => setText(label, texts.close) };
}

function createToggle() {
  const text = el("span", { class: "library-toggle-text" });
  const count = el("span", { class: "library-count", attributes: { "aria-hidden": "true" } });
  const element = el(
    "button",
    { class: "button quiet library-toggle", attributes: { type: "button", popovertarget: ID } },
    [icon("film"), text, count],
  );
  return {
    element,
    /** Shows the number of videos that are not finished. */
    render(list: WatchedList | undefined, texts: Texts): void {
      const live = list?.videos.filter(({ phase }) => isLive(phase)).length ?? 0;
      setText(text, texts.yourVideos);
      setText(count, String(live));
      count.hidden = live === 0;
      const name = live === 0 ? texts.yourVideos : texts.yourVideosRunning(live);
      setAttribute(element, "aria-label", name);
    },
  };
}

/** @param fallback - Gets the focus if the button is hidden while it has the focus. */
function createMore(loadMore: () => Promise<void>, fallback: HTMLElement) {
  let isLoading = false;
  const element = el("button", {
    class: "button quiet library-more",
    attributes: { type: "button" },
    on: {
      click: () => {
        if (isLoading) return;
        isLoading = true;
        setAttribute(element, "aria-disabled", "true");
        const done = (): void => {
          isLoading = false;
          setAttribute(element, "aria-disabled", false);
        };
        // After a failure the button is still there.
        loadMore().then(done, done);
      },
    },
  });
  return {
    element,
    render(hasMore: boolean, texts: Texts): void {
      setText(element, texts.showMore);
      setHidden(element, !hasMore, fallback);
    },
  };
}
