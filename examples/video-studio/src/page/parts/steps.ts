import { el, setAttribute, setText } from "../dom.js";
import { type IconName, icon } from "../icons.js";
import type { StepView } from "../job-view.js";
import type { Texts } from "../texts/texts.js";

const ICONS: Readonly<Partial<Record<StepView["status"], IconName>>> = {
  completed: "check",
  failed: "cross",
  skipped: "dash",
  stopped: "dash",
};

interface Row {
  readonly element: HTMLElement;
  render(step: StepView, texts: Texts): void;
}

/** The list of steps. Each row keeps its element while it changes, so the list does not flicker. */
export function createSteps(): {
  readonly element: HTMLElement;
  render(steps: readonly StepView[], texts: Texts): void;
} {
  const rows = new Map<string, Row>();
  const element = el("ol", { class: "steps" });
  return {
    element,
    render(steps, texts) {
      setAttribute(element, "aria-label", texts.stepsTitle);
      for (const step of steps) {
        const row = rows.get(step.id) ?? createRow();
        if (!rows.has(step.id)) element.append(row.element);
        rows.set(step.id, row);
        row.render(step, texts);
      }
    },
  };
}

function createRow(): Row {
  const mark = el("span", { class: "step-mark" });
  const title = el("span", { class: "step-title" });
  const status = el("span", { class: "visually-hidden" });
  const detail = el("span", { class: "step-detail" });
  const element = el("li", { class: "step" }, [mark, title, status, detail]);
  return {
    element,
    render(step, texts) {
      if (element.dataset.status !== step.status) {
        element.dataset.status = step.status;
        const name = ICONS[step.status];
        mark.replaceChildren(...(name === undefined ? [] : [icon(name)]));
      }
      setAttribute(element, "aria-current", step.status === "running" ? "step" : false);
      setText(title, step.title);
      setText(status, `, ${texts.stepStatus[step.status]}`);
      setText(detail, step.detail);
    },
  };
}
