import type { Sight } from "./sights.js";

/**
 * Looks at the studio's page after each change of it, and tells what is to be seen whenever that is something else than before. It is sent into
 * the page as its source, so that it may use nothing from outside of itself.
 */
export function openEyes(): void {
  const { tellSight } = globalThis as never as { tellSight(sight: Sight): void };
  let told = "";
  let actedAt = 0;

  const text = (root: Element, selector: string): string =>
    root.querySelector(selector)?.textContent ?? "";

  const isShown = (element: HTMLElement | null): boolean => element !== null && !element.hidden;

  const cardSight = (card: HTMLElement): Sight["cards"][number] => {
    const percent = card.querySelector(".bar")?.getAttribute("aria-valuenow") ?? null;
    return {
      phase: card.dataset.phase ?? "",
      headline: text(card, ".card-headline"),
      explanation: text(card, ".card-explanation"),
      percent: percent === null ? null : Number(percent),
      steps: [...card.querySelectorAll<HTMLElement>(".step")].map((step) => ({
        status: step.dataset.status ?? "",
        detail: text(step, ".step-detail"),
      })),
      preview: isShown(card.querySelector<HTMLElement>(".stage-preview")),
      video: card.querySelector("video") !== null,
    };
  };

  const look = (): void => {
    const banner = document.querySelector<HTMLElement>(".banner");
    const sight = {
      loadedAt: performance.timeOrigin,
      actedAt,
      banner: isShown(banner) ? (banner?.dataset.kind ?? "") : "",
      cards: [...document.querySelectorAll<HTMLElement>(".card")]
        .filter((card) => card.checkVisibility())
        .map(cardSight),
    };
    const print = JSON.stringify(sight);
    if (print === told) return;
    told = print;
    tellSight({ ...sight, at: Date.now() });
  };

  const act = (): void => {
    actedAt = Date.now();
  };
  for (const type of ["click", "keydown"]) addEventListener(type, act, { capture: true });
  new MutationObserver(look).observe(document, {
    subtree: true,
    childList: true,
    attributes: true,
    characterData: true,
  });
}
