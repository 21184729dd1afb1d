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
  const { lines, linesText } = createLinesToggle();
  const offer = createOffer();
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
    offer.element,
    label,
    el("div", { class: "composer-line" }, [topic, send]),
    el("div", { class: "composer-foot" }, [toggle, lines, hint, counter]),
    options,
  ]);
  return {
    element,
    topic,
    label,
    toggle,
    toggleText,
    summary,
    lines,
    linesText,
    offer,
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

/** The switch between one video of the whole text and one video per line. */
function createLinesToggle() {
  const linesText = el("span");
  const lines = el(
    "button",
    { class: "composer-toggle composer-lines", attributes: { type: "button" } },
    [icon("lines"), linesText],
  );
  return { lines, linesText };
}

/** The question whether a text of several lines is meant as several videos. */
function createOffer() {
  const text = el("span", { attributes: { role: "status" } });
  const accept = el("button", { class: "button quiet", attributes: { type: "button" } });
  const element = el("div", { class: "composer-offer" }, [text, accept]);
  element.hidden = true;
  return { element, text, accept };
}

/** The functions that the composer's elements call. */
export interface ComposerListeners {
  readonly onInput: () => void;
  readonly onSubmit: () => void;
  /** Whether the text has one video per line. Then Enter begins the next line. */
  readonly isBatch: () => boolean;
  readonly onBatch: (isBatch: boolean) => void;
}

/** Listens to the topic, the form and the toggles. */
export function listenTo(
  view: ComposerView,
  { onInput, onSubmit, isBatch, onBatch }: ComposerListeners,
): void {
  view.topic.addEventListener("input", onInput);
  view.topic.addEventListener("keydown", (event) => {
    // While an input method composes a letter (ê from e and e), it handles Enter.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (isBatch() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    onSubmit();
  });
  view.element.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit();
  });
  view.lines.addEventListener("click", () => onBatch(!isBatch()));
  view.offer.accept.addEventListener("click", () => {
    onBatch(true);
    onSubmit();
  });
  view.toggle.addEventListener("click", () => {
    const isOpen = view.toggle.getAttribute("aria-expanded") === "true";
    view.toggle.setAttribute("aria-expanded", String(!isOpen));
  });
}
