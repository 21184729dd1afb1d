import { el, setAttribute } from "../dom.js";

/** How far the bar is, and how it says so. */
export interface BarState {
  /** 0..100, or `null` while it can't be known. */
  readonly percent: number | null;
  /** Something goes on though no percent is known: the bar moves to and fro. */
  readonly isBusy: boolean;
  readonly label: string;
  /** For screen readers, in place of the bare number. */
  readonly valueText: string;
}

/** A progress bar. Its fill is scaled, not widened, so that each step of it costs the browser no layout. */
export function createBar(): { readonly element: HTMLElement; render(state: BarState): void } {
  const fill = el("div", { class: "bar-fill" });
  const element = el(
    "div",
    {
      class: "bar",
      attributes: { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
    },
    [fill],
  );
  return {
    element,
    render({ percent, isBusy, label, valueText }) {
      setAttribute(element, "aria-label", label);
      setAttribute(element, "aria-valuetext", valueText);
      // Without a value the role means "indeterminate".
      setAttribute(element, "aria-valuenow", percent === null ? false : Math.floor(percent));
      setAttribute(element, "data-busy", percent === null && isBusy);
      fill.style.transform = percent === null && isBusy ? "" : `scaleX(${(percent ?? 0) / 100})`;
    },
  };
}
