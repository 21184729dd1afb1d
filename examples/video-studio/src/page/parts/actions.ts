import { el, setAttribute, setHidden, setText } from "../dom.js";
import { icon } from "../icons.js";
import { isLive, remedyOf, type Video } from "../job-view.js";
import type { Phase, Texts } from "../texts/texts.js";
import { createButton } from "./button.js";

/** The actions of a card's buttons. */
export interface CardCallbacks {
  /** Cancels the job. Resolves when the server has accepted it. Rejects if the request failed. */
  cancel(): Promise<void>;
  /** Requests the same video again, at once. */
  again(): void;
  /** Puts the input of this video into the composer, for a similar video or for a change. */
  another(): void;
  copyLink(): Promise<void>;
}

/** The state that determines which buttons are shown. */
export interface ActionsState {
  readonly phase: Phase;
  readonly video: Video | undefined;
  readonly isOwn: boolean;
  readonly texts: Texts;
}

/** The buttons under the steps. If a button with the focus is hidden, the focus moves to `fallback`. */
export function createActions(
  callbacks: CardCallbacks,
  fallback: HTMLElement,
): { readonly element: HTMLElement; render(state: ActionsState): void } {
  const cancel = createCancel(callbacks);
  const again = createButton("primary", "again", callbacks.again);
  const another = createButton("quiet", "spark", callbacks.another);
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
      const remedy = remedyOf(phase, video);
      cancel.render(phase, texts);
      setHidden(cancel.element, !isOwn || !isLive(phase) || phase === "joining", fallback);
      setHidden(download, result === undefined);
      setHidden(again.element, remedy !== "again", fallback);
      setHidden(another.element, result === undefined && remedy !== "edit", fallback);
      setText(again.label, texts.again);
      setText(another.label, result === undefined ? texts.edit : texts.anotherLikeThis);
      setText(downloadLabel, texts.download);
      if (result !== undefined) {
        setAttribute(download, "href", result.videoUrl);
        setAttribute(download, "download", `${result.title}.mp4`);
      }
    },
  };
}

/** The cancel button. It cancels without a question, shows at once that it does, and shows if the request failed. */
function createCancel({ cancel }: CardCallbacks): {
  readonly element: HTMLButtonElement;
  render(phase: Phase, texts: Texts): void;
} {
  let request: "none" | "sending" | "failed" = "none";
  let last: Parameters<typeof render> | undefined;
  const button = createButton("quiet", "stop", () => {
    if (request === "sending" || last?.[0] === "cancelling") return;
    request = "sending";
    rerender();
    cancel().then(
      () => settle("none"),
      () => settle("failed"),
    );
  });
  const settle = (outcome: typeof request) => {
    request = outcome;
    rerender();
  };
  const rerender = () => last !== undefined && render(...last);
  function render(phase: Phase, texts: Texts): void {
    last = [phase, texts];
    const isCancelling = request === "sending" || phase === "cancelling";
    // Not `disabled`, because a disabled button loses the focus.
    setAttribute(button.element, "aria-disabled", isCancelling ? "true" : false);
    const text = request === "failed" ? texts.cancelFailed : texts.cancel;
    setText(button.label, isCancelling ? texts.cancelling : text);
  }
  return { element: button.element, render };
}
