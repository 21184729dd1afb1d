import { el, setAttribute } from "../dom.js";

/** The state of the bar. */
export interface BarState {
  /** 0..100, or `null` if it is not known. */
  readonly percent: number | null;
  /** Whether the job is live. Without a percent the bar then shows an indeterminate animation. */
  readonly isBusy: boolean;
  readonly label: string;
  /** For screen readers, instead of the number. */
  readonly valueText: string;
}

/** A progress bar. Its fill is scaled and not widened, so a change needs no layout. */
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
      // Without a value the role is indeterminate.
      setAttribute(element, "aria-valuenow", percent === null ? false : Math.floor(percent));
      setAttribute(element, "data-busy", percent === null && isBusy);
      fill.style.transform = percent === null && isBusy ? "" : `scaleX(${(percent ?? 0) / 100})`;
    },
  };
}
