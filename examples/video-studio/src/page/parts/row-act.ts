import { el, setAttribute, setHidden, setText } from "../dom.js";
import { icon } from "../icons.js";
import type { RowView } from "../row-view.js";
import type { Texts } from "../texts/texts.js";
import { createButton } from "./button.js";

/** The requests of a row. They reject if they failed. */
export interface RowRequests {
  cancel(): Promise<void>;
  remove(): Promise<void>;
}

/** The button of a row, which cancels or deletes its video, and the question before it deletes. */
export interface RowAct {
  readonly button: HTMLElement;
  readonly question: HTMLElement;
  render(view: RowView, texts: Texts): void;
}

/** `failed`: the last request failed. A deletion is then asked again. */
type State = "idle" | "asking" | "working" | "failed";

/** Creates the button and the question. @param open - Gets the focus when they are hidden. */
export function createRowAct(open: HTMLElement, { cancel, remove }: RowRequests): RowAct {
  let state: State = "idle";
  let last: { readonly view: RowView; readonly texts: Texts } | undefined;
  const act = createActButton(() => {
    if (last?.view.action === "cancel") work(cancel);
    else if (last?.view.action === "delete") ask(true);
  });
  const question = createQuestion({ yes: () => work(remove), no: () => ask(false) });

  function change(next: State): void {
    state = next;
    if (last !== undefined) render(last.view, last.texts);
  }

  function ask(isAsking: boolean): void {
    change(isAsking ? "asking" : "idle");
    if (isAsking) question.focus();
    else act.element.focus();
  }

  function work(request: () => Promise<void>): void {
    if (state === "working") return;
    change("working");
    request().then(
      () => change("idle"),
      () => change("failed"),
    );
  }

  function render(view: RowView, texts: Texts): void {
    last = { view, texts };
    const isAsked = state !== "idle" && view.action === "delete";
    act.render(view, state, texts);
    question.render(view, state, texts);
    setHidden(act.element, view.action === "none" || isAsked, open);
    setHidden(question.element, !isAsked, open);
  }

  return { button: act.element, question: question.element, render };
}

function createActButton(onClick: () => void) {
  const label = el("span", { class: "visually-hidden" });
  const element = el(
    "button",
    { class: "row-act", attributes: { type: "button" }, on: { click: onClick } },
    [label],
  );
  return {
    element,
    render({ action, title }: RowView, state: State, texts: Texts): void {
      const isCancel = action === "cancel";
      const name = isCancel ? texts.cancelVideo(title) : texts.deleteVideo(title);
      setText(label, name);
      setAttribute(element, "title", name);
      setAttribute(element, "aria-disabled", state === "working" ? "true" : false);
      if (element.dataset.action === action) return;
      element.dataset.action = action;
      element.replaceChildren(icon(isCancel ? "cross" : "trash"), label);
    },
  };
}

function createQuestion({ yes, no }: { readonly yes: () => void; readonly no: () => void }) {
  const text = el("span", { class: "row-question-text" });
  const accept = createButton("danger", "trash", yes);
  const decline = el("button", {
    class: "button quiet",
    attributes: { type: "button" },
    on: { click: no },
  });
  const element = el("div", { class: "row-question", attributes: { role: "group" } }, [
    text,
    accept.element,
    decline,
  ]);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    // The popover around it stays open.
    event.preventDefault();
    no();
  });
  return {
    element,
    focus: () => decline.focus(),
    render({ title }: RowView, state: State, texts: Texts): void {
      setText(text, state === "failed" ? texts.deleteFailed : texts.deleteQuestion);
      setAttribute(element, "aria-label", texts.deleteVideo(title));
      setText(accept.label, texts.deleteYes);
      setAttribute(accept.element, "aria-disabled", state === "working" ? "true" : false);
      setText(decline, texts.deleteNo);
    },
  };
}
