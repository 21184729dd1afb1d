import { secondsUntil } from "../connection-view.js";
import { el, setHidden, setText } from "../dom.js";
import type { Texts } from "../texts/texts.js";
import type { SenderState } from "./sender.js";

const TICK_MS = 500;

/** The line above the topic: why it was not sent, or why it is not sent yet and the time until the next try. */
export interface SendStatus {
  readonly element: HTMLElement;
  render(state: SenderState, texts: Texts): void;
}

/** Creates the line. `fallback` gets the focus if the button is hidden while it has the focus. */
export function createSendStatus(onCancel: () => void, fallback: HTMLElement): SendStatus {
  const message = el("p", {
    class: "composer-error",
    attributes: { id: "topic-error", role: "alert" },
  });
  // The countdown is outside of the alert, so screen readers do not read each second.
  const count = el("span", { class: "composer-count" });
  const cancel = el("button", {
    class: "button quiet composer-cancel",
    attributes: { type: "button" },
    on: { click: onCancel },
  });
  const element = el("div", { class: "composer-status" }, [message, count, cancel]);
  let timer: ReturnType<typeof setTimeout> | undefined;

  function render(state: SenderState, texts: Texts): void {
    clearTimeout(timer);
    const { isSending, retryAt } = state;
    const text = state.message?.(texts) ?? "";
    element.dataset.kind = isSending ? "wait" : "error";
    setText(message, text);
    setText(count, countText(state, texts));
    setText(cancel, texts.sendCancel);
    setHidden(cancel, !isSending || text === "", fallback);
    if (retryAt !== undefined) timer = setTimeout(() => render(state, texts), TICK_MS);
  }

  return { element, render };
}

function countText({ retryAt }: SenderState, texts: Texts): string {
  const now = Date.now();
  if (retryAt === undefined) return "";
  return retryAt > now ? texts.connectionRetryIn(secondsUntil(retryAt, now)) : texts.sending;
}
