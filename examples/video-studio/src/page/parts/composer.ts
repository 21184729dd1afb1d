import { LIMITS } from "../../pipeline/request.js";
import { el, setAttribute, setText } from "../dom.js";
import type { I18n } from "../i18n.js";
import { icon } from "../icons.js";
import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";
import { createChoices } from "./choices.js";

/** The form in which the user describes a video. */
export interface Composer {
  readonly element: HTMLElement;
  /** Fills the fields and moves the focus to the topic. */
  fill(input: VideoInput | { readonly topic: string }): void;
  /** Sends an input and leaves the fields unchanged. */
  send(input: VideoInput): void;
  focus(): void;
  /** Closes the options, to make room for the videos. */
  collapse(): void;
  render(): void;
}

/**
 * Sends an input. The key is the same for each try of the same input, so that a try whose answer was lost does not
 * create a second video. Rejects with a message for the user.
 */
export type Send = (input: VideoInput, idempotencyKey: string) => Promise<void>;

/** From this number on, the number of characters that are left is shown. */
const COUNTED_FROM = 100;
/** After this time without an answer, a message is shown. */
const SLOW_MS = 3000;

/** Creates the composer. */
export function createComposer(i18n: I18n, send: Send): Composer {
  const view = createView();
  const choices = createChoices(i18n, () => render());
  view.options.append(choices.element);
  let isSending = false;
  let error: (() => string) | undefined;
  let tried: { readonly input: string; readonly key: string } | undefined;

  function render(): void {
    const { texts } = i18n;
    // First, because the summary below contains their labels.
    choices.render();
    const left = LIMITS.maxTextChars - topicOf(view.topic).length;
    view.topic.placeholder = texts.topicPlaceholder;
    setText(view.label, texts.topicLabel);
    setText(view.toggleText, texts.options);
    setText(view.summary, choices.summary());
    setText(view.hint, texts.keysHint);
    setText(view.counter, countText(left, texts));
    setAttribute(view.counter, "data-over", left < 0);
    setAttribute(view.topic, "aria-invalid", left < 0 ? "true" : false);
    setText(view.sendText, isSending ? texts.sending : texts.send);
    setAttribute(view.send, "aria-disabled", isSending || left < 0 ? "true" : false);
    setAttribute(view.element, "data-sending", isSending);
    setText(view.error, error?.() ?? "");
  }

  async function submit(): Promise<void> {
    const topic = topicOf(view.topic);
    if (topic.length > LIMITS.maxTextChars) return;
    if (!/[\p{L}\p{N}]/u.test(topic)) return refuse(() => i18n.texts.topicMissing);
    if (!(await deliver({ topic, ...choices.value }))) return;
    view.topic.value = "";
    render();
  }

  /** Resolves with whether it was sent. While one input is being sent, others are refused, such as a second click. */
  async function deliver(input: VideoInput): Promise<boolean> {
    if (isSending) return false;
    const fingerprint = JSON.stringify(input);
    if (tried?.input !== fingerprint) tried = { input: fingerprint, key: randomKey() };
    isSending = true;
    error = undefined;
    render();
    const slow = setTimeout(() => {
      error = () => i18n.texts.sendSlow;
      render();
    }, SLOW_MS);
    try {
      await send(input, tried.key);
      tried = undefined;
      error = undefined;
      return true;
    } catch (thrown) {
      refuse(() => (thrown instanceof Error ? thrown.message : i18n.texts.sendFailed));
      return false;
    } finally {
      clearTimeout(slow);
      isSending = false;
      render();
    }
  }

  function refuse(message: () => string): void {
    error = message;
    render();
    view.topic.focus();
  }

  listen(
    view,
    () => {
      error = undefined;
      render();
    },
    () => void submit(),
  );
  render();

  return {
    element: view.element,
    render,
    send: (input) => void deliver(input),
    focus: () => view.topic.focus(),
    collapse: () => setAttribute(view.toggle, "aria-expanded", "false"),
    fill(input) {
      view.topic.value = input.topic;
      if ("duration" in input) choices.set(input);
      error = undefined;
      render();
      view.topic.focus();
      view.topic.setSelectionRange(input.topic.length, input.topic.length);
    },
  };
}

/** The number of characters that are left, or an empty string if many are left. */
function countText(left: number, texts: Texts): string {
  if (left > COUNTED_FROM) return "";
  return left < 0 ? texts.charactersOver(-left) : texts.charactersLeft(left);
}

/** 128 random bits. `crypto.randomUUID` does not exist on a page that was loaded over plain HTTP from another machine. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The topic, normalized as the server does before it counts the characters. */
function topicOf(field: HTMLTextAreaElement): string {
  return field.value.normalize("NFC").trim();
}

function createView() {
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
  const hint = el("span", { class: "composer-hint", attributes: { id: "topic-hint" } });
  const counter = el("span", { class: "composer-counter", attributes: { role: "status" } });
  const sendText = el("span");
  const send = el(
    "button",
    { class: "button primary composer-send", attributes: { type: "submit" } },
    [sendText, icon("send")],
  );
  const options = el("div", { class: "composer-options", attributes: { id: "options" } });
  const error = el("p", {
    class: "composer-error",
    attributes: { id: "topic-error", role: "alert" },
  });
  const element = el("form", { class: "composer" }, [
    error,
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
    error,
  };
}

function listen(
  view: ReturnType<typeof createView>,
  onInput: () => void,
  onSubmit: () => void,
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
