import { type ConnectionProblem, secondsUntil } from "../connection-view.js";
import { el, setHidden, setText } from "../dom.js";
import type { I18n } from "../i18n.js";
import { icon } from "../icons.js";
import { NOTICED_AFTER_MS } from "../news.js";
import type { Texts } from "../texts/texts.js";

const TICK_MS = 500;

/** The line above the composer that shows a problem of the connection. */
export interface Banner {
  readonly element: HTMLElement;
  /** Must be called whenever the problem may have changed. */
  render(problem: ConnectionProblem | undefined): void;
}

/** Creates the banner. `fallback` moves the focus if the banner is hidden while its button has the focus. */
export function createBanner(i18n: I18n, onTryNow: () => void, fallback: () => void): Banner {
  const text = el("span", { class: "banner-text", attributes: { role: "status" } });
  // The countdown is outside of the status, so screen readers do not read each second.
  const count = el("span", { class: "banner-count" });
  const tryNow = el("button", {
    class: "button quiet",
    attributes: { type: "button" },
    on: { click: onTryNow },
  });
  const element = el("div", { class: "banner" }, [icon("plug"), text, count, tryNow]);
  element.hidden = true;
  let problem: ConnectionProblem | undefined;
  let since = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function show(): void {
    clearTimeout(timer);
    const now = Date.now();
    const isDue = problem !== undefined && now - since >= NOTICED_AFTER_MS;
    if (!isDue && element.contains(document.activeElement)) fallback();
    setHidden(element, !isDue);
    if (problem === undefined) return;
    timer = setTimeout(show, isDue ? TICK_MS : NOTICED_AFTER_MS - (now - since));
    if (!isDue) return;
    const { texts } = i18n;
    element.dataset.kind = problem.kind;
    setText(text, wordsFor(problem, texts));
    setText(count, countFor(problem, now, texts));
    setText(tryNow, texts.tryNow);
  }

  return {
    element,
    render(next) {
      // If one problem becomes another one, the delay does not start again.
      if (next !== undefined && problem === undefined) since = Date.now();
      problem = next;
      show();
    },
  };
}

function wordsFor({ kind }: ConnectionProblem, texts: Texts): string {
  if (kind === "offline") return texts.connectionOffline;
  if (kind === "suspect") return texts.connectionSuspect;
  if (kind === "polling") return texts.connectionPolling;
  return texts.connectionLost;
}

function countFor(problem: ConnectionProblem, now: number, texts: Texts): string {
  if (problem.kind === "retrying") return texts.connectionRetrying;
  if (problem.kind !== "waiting") return "";
  return texts.connectionRetryIn(secondsUntil(problem.retryAt, now));
}
