import type { PageState } from "./page-history.js";

/**
 * Observes the studio's page, and reports its state after each change. Its source is sent into the page, so it must not
 * use anything outside of this function.
 */
export function observePage(): void {
  const { reportPageState } = globalThis as never as { reportPageState(state: PageState): void };
  let reported = "";
  let actedAt = 0;

  const text = (root: Element, selector: string): string =>
    root.querySelector(selector)?.textContent ?? "";

  const isShown = (element: HTMLElement | null): boolean => element !== null && !element.hidden;

  const percentOf = (card: HTMLElement): number | null => {
    const percent = card.querySelector(".bar")?.getAttribute("aria-valuenow") ?? null;
    return percent === null ? null : Number(percent);
  };

  const cardState = (card: HTMLElement): PageState["cards"][number] => {
    const video = card.querySelector("video");
    return {
      phase: card.dataset.phase ?? "",
      headline: text(card, ".card-headline"),
      explanation: text(card, ".card-explanation"),
      remaining: text(card, ".card-remaining"),
      percent: percentOf(card),
      steps: [...card.querySelectorAll<HTMLElement>(".step")].map((step) => ({
        status: step.dataset.status ?? "",
        detail: text(step, ".step-detail"),
      })),
      // The player is above the last frame until the video is loaded.
      preview: video === null && isShown(card.querySelector<HTMLElement>(".stage-preview")),
      video: video !== null,
    };
  };

  const report = (): void => {
    const banner = document.querySelector<HTMLElement>(".banner");
    const state = {
      loadedAt: performance.timeOrigin,
      actedAt,
      banner: isShown(banner) ? (banner?.dataset.kind ?? "") : "",
      cards: [...document.querySelectorAll<HTMLElement>(".card:not(.batch)")]
        .filter((card) => card.checkVisibility())
        .map(cardState),
      batches: [...document.querySelectorAll<HTMLElement>(".batch")].map((batch) => ({
        headline: text(batch, ".card-headline"),
        explanation: text(batch, ".card-explanation"),
        percent: percentOf(batch),
        rows: batch.querySelectorAll(".row").length,
      })),
      list: [...document.querySelectorAll<HTMLElement>(".library .row")].map((row) => ({
        phase: row.dataset.phase ?? "",
        title: text(row, ".row-title"),
        state: text(row, ".row-state"),
      })),
    };
    const json = JSON.stringify(state);
    if (json === reported) return;
    reported = json;
    reportPageState({ ...state, at: Date.now() });
  };

  const noteAction = (): void => {
    actedAt = Date.now();
  };
  for (const type of ["click", "keydown"]) addEventListener(type, noteAction, { capture: true });
  new MutationObserver(report).observe(document, {
    subtree: true,
    childList: true,
    attributes: true,
    characterData: true,
  });
}
