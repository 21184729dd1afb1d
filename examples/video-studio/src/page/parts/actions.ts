import { el, setAttribute, setHidden, setText } from "../dom.js";
import { icon } from "../icons.js";
import { isLive, type Video } from "../job-view.js";
import type { Phase, Texts } from "../texts/texts.js";
import { createButton } from "./button.js";

/** What the buttons of a card do. */
export interface CardDeeds {
  /** Asks the worker to stop; resolves when the server has taken it, rejects when it couldn't be told. */
  cancel(): Promise<void>;
  /** Makes the same video once more, at once. */
  again(): void;
  /** Puts what was asked into the composer. */
  another(): void;
  copyLink(): Promise<void>;
}

/** What decides which buttons there are. */
export interface ActionsState {
  readonly phase: Phase;
  readonly video: Video | undefined;
  readonly isOwn: boolean;
  readonly texts: Texts;
}

/** The buttons under the steps. When a focused one goes, the focus moves to `fallback`, not to nowhere. */
export function createActions(
  deeds: CardDeeds,
  fallback: HTMLElement,
): { readonly element: HTMLElement; render(state: ActionsState): void } {
  const cancel = createCancel(deeds);
  const again = createButton("primary", "again", deeds.again);
  const another = createButton("quiet", "spark", deeds.another);
  const download = el("a", { class: "button primary", attributes: { download: true } }, [
    icon("download"),
  ]);
  const downloadLabel = el("span");
  download.append(downloadLabel);
  const element = el("div", { class: "actions" }, [
    cancel.element,
    download,
    again.element,
    another.element,
  ]);

  return {
    element,
    render({ phase, video, isOwn, texts }) {
      const result = video?.result ?? undefined;
      const isAskable = video !== undefined;
      cancel.render(phase, texts);
      setHidden(cancel.element, !isOwn || !isLive(phase) || phase === "joining", fallback);
      setHidden(download, result === undefined);
      setHidden(again.element, isLive(phase) || result !== undefined || !isAskable, fallback);
      setHidden(another.element, result === undefined, fallback);
      setText(again.label, texts.again);
      setText(another.label, texts.anotherLikeThis);
      setText(downloadLabel, texts.download);
      if (result !== undefined) {
        setAttribute(download, "href", result.videoUrl);
        setAttribute(download, "download", `${result.title}.mp4`);
      }
    },
  };
}

/** Cancelling asks nothing, and says at once that it is under way; if the server couldn't be told, it says that too. */
function createCancel({ cancel }: CardDeeds): {
  readonly element: HTMLButtonElement;
  render(phase: Phase, texts: Texts): void;
} {
  let asked: "no" | "sending" | "failed" = "no";
  let last: Parameters<typeof render> | undefined;
  const button = createButton("quiet", "stop", () => {
    if (asked === "sending" || last?.[0] === "cancelling") return;
    asked = "sending";
    rerender();
    cancel().then(
      () => settle("no"),
      () => settle("failed"),
    );
  });
  const settle = (outcome: typeof asked) => {
    asked = outcome;
    rerender();
  };
  const rerender = () => last !== undefined && render(...last);
  function render(phase: Phase, texts: Texts): void {
    last = [phase, texts];
    const isUnderWay = asked === "sending" || phase === "cancelling";
    // Not `disabled`: that would throw the focus away while it waits.
    setAttribute(button.element, "aria-disabled", isUnderWay ? "true" : false);
    const text = asked === "failed" ? texts.cancelFailed : texts.cancel;
    setText(button.label, isUnderWay ? texts.cancelling : text);
  }
  return { element: button.element, render };
}
