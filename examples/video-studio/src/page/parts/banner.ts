import { secondsUntil, type Trouble } from "../connection-view.js";
import { el, setHidden, setText } from "../dom.js";
import { icon } from "../icons.js";
import type { Speech } from "../language.js";
import type { Texts } from "../texts/texts.js";

/** A trouble that passes by itself in this time is not shown at all. */
const PATIENCE_MS = 1500;
const TICK_MS = 500;

/** The line above the composer that speaks of the connection, and only while something is wrong with it. */
export interface Banner {
  readonly element: HTMLElement;
  /** Call it whenever the trouble may have changed. */
  render(trouble: Trouble | undefined): void;
}

/** Makes the banner; the focus goes to `fallback` when it hides with the focus on its button. */
export function createBanner(speech: Speech, onTryNow: () => void, fallback: () => void): Banner {
  const text = el("span", { class: "banner-text", attributes: { role: "status" } });
  // The countdown is no news: it stands outside of what is read aloud.
  const count = el("span", { class: "banner-count" });
  const tryNow = el("button", {
    class: "button quiet",
    attributes: { type: "button" },
    on: { click: onTryNow },
  });
  const element = el("div", { class: "banner" }, [icon("plug"), text, count, tryNow]);
  element.hidden = true;
  let trouble: Trouble | undefined;
  let since = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function show(): void {
    clearTimeout(timer);
    const now = Date.now();
    const isDue = trouble !== undefined && now - since >= PATIENCE_MS;
    if (!isDue && element.contains(document.activeElement)) fallback();
    setHidden(element, !isDue);
    if (trouble === undefined) return;
    timer = setTimeout(show, isDue ? TICK_MS : PATIENCE_MS - (now - since));
    if (!isDue) return;
    const { texts } = speech;
    element.dataset.kind = trouble.kind;
    setText(text, wordsFor(trouble, texts));
    setText(count, countFor(trouble, now, texts));
    setText(tryNow, texts.tryNow);
  }

  return {
    element,
    render(next) {
      // A trouble that turns into another is still the same time of trouble.
      if (next !== undefined && trouble === undefined) since = Date.now();
      trouble = next;
      show();
    },
  };
}

function wordsFor({ kind }: Trouble, texts: Texts): string {
  if (kind === "offline") return texts.connectionOffline;
  if (kind === "suspect") return texts.connectionSuspect;
  if (kind === "polling") return texts.connectionPolling;
  return texts.connectionLost;
}

function countFor(trouble: Trouble, now: number, texts: Texts): string {
  if (trouble.kind === "retrying") return texts.connectionRetrying;
  if (trouble.kind !== "waiting") return "";
  return texts.connectionRetryIn(secondsUntil(trouble.retryAt, now));
}
