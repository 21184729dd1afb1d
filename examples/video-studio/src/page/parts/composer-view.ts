import { el } from "../dom.js";
import { icon } from "../icons.js";
import { createSendStatus } from "./send-status.js";

/** The elements of the composer. */
export type ComposerView = ReturnType<typeof createComposerView>;

/** Creates the elements of the composer. `onCancel` gives up what is being sent. */
export function createComposerView(onCancel: () => void) {
  const topic = el("textarea", {
    class: "composer-topic",
    attributes: {
      id: "topic",
      rows: 1,
      "aria-describedby": "topic-error topic-hint",
      enterkeyhint: "send",
    },
  });
  const label = el("label", { class: "visually-hidden", attributes: { for: "topic" } });
  const { toggle, toggleText, summary } = createToggle();
  const hint = el("span", { class: "composer-hint", attributes: { id: "topic-hint" } });
  const counter = el("span", { class: "composer-counter", attributes: { role: "status" } });
  const sendText = el("span");
  const send = el(
    "button",
    { class: "button primary composer-send", attributes: { type: "submit" } },
    [sendText, icon("send")],
  );
  const options = el("div", { class: "composer-options", attributes: { id: "options" } });
  const status = createSendStatus(onCancel, topic);
  const element = el("form", { class: "composer" }, [
    status.element,
    label,
    el("div", { class: "composer-line" }, [topic, send]),
    el("div", { class: "composer-foot" }, [toggle, hint, counter]),
    options,
  ]);
  return {
    element,
    topic,
    label,
    toggle,
    toggleText,
    summary,
    hint,
    counter,
    send,
    sendText,
    options,
    status,
  };
}

function createToggle() {
  const toggleText = el("span");
  const summary = el("span", { class: "composer-summary" });
  const toggle = el(
    "button",
    {
      class: "composer-toggle",
      attributes: {
        type: "button",
        // On a large screen the options are open at first.
        "aria-expanded": String(matchMedia("(min-width: 56rem) and (min-height: 45rem)").matches),
        "aria-controls": "options",
      },
    },
    [icon("sliders"), toggleText, summary],
  );
  return { toggle, toggleText, summary };
}

/** Listens to the topic, the form and the toggle of the options. */
export function listenTo(
  view: ComposerView,
  { onInput, onSubmit }: { readonly onInput: () => void; readonly onSubmit: () => void },
): void {
  view.topic.addEventListener("input", onInput);
  view.topic.addEventListener("keydown", (event) => {
    // While an input method composes a letter (ê from e and e), it handles Enter.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    onSubmit();
  });
  view.element.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit();
  });
  view.toggle.addEventListener("click", () => {
    const isOpen = view.toggle.getAttribute("aria-expanded") === "true";
    view.toggle.setAttribute("aria-expanded", String(!isOpen));
  });
}
