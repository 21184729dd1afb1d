import { LIMITS } from "../../pipeline/request.js";
import type { Asked } from "../asked.js";
import { el, setAttribute, setText } from "../dom.js";
import { icon } from "../icons.js";
import type { Speech } from "../language.js";
import type { Texts } from "../texts/texts.js";
import { createChoices } from "./choices.js";

/** Where the user writes what they want. */
export interface Composer {
  readonly element: HTMLElement;
  /** Fills the fields and puts the focus there. */
  fill(asked: Asked | { readonly topic: string }): void;
  /** Sends wishes as they are, and leaves what is being written alone. */
  send(asked: Asked): void;
  focus(): void;
  /** Closes the options: the room is the videos' now. */
  collapse(): void;
  render(): void;
}

/**
 * Sends what was asked. The key is the same for each try of the same words, so that a try whose answer got lost makes no second
 * video. Rejects with a message for the user.
 */
export type Send = (asked: Asked, idempotencyKey: string) => Promise<void>;

/** The count of what is left appears when so little is left. */
const COUNTED_FROM = 100;
/** An answer that takes longer is spoken of. */
const SLOW_MS = 3000;

/** Makes the composer. */
export function createComposer(speech: Speech, send: Send): Composer {
  const view = createView();
  const choices = createChoices(speech, () => render());
  view.options.append(choices.element);
  let isSending = false;
  let error: (() => string) | undefined;
  let tried: { readonly asked: string; readonly key: string } | undefined;

  function render(): void {
    const { texts } = speech;
    // First, as the summary below speaks their words.
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
    if (!/[\p{L}\p{N}]/u.test(topic)) return refuse(() => speech.texts.topicMissing);
    if (!(await deliver({ topic, ...choices.value }))) return;
    view.topic.value = "";
    render();
  }

  /** Whether it went. While something is being sent nothing else is: a second click makes no second video. */
  async function deliver(asked: Asked): Promise<boolean> {
    if (isSending) return false;
    const print = JSON.stringify(asked);
    if (tried?.asked !== print) tried = { asked: print, key: randomKey() };
    isSending = true;
    error = undefined;
    render();
    const slow = setTimeout(() => {
      error = () => speech.texts.sendSlow;
      render();
    }, SLOW_MS);
    try {
      await send(asked, tried.key);
      tried = undefined;
      error = undefined;
      return true;
    } catch (thrown) {
      refuse(() => (thrown instanceof Error ? thrown.message : speech.texts.sendFailed));
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
    send: (asked) => void deliver(asked),
    focus: () => view.topic.focus(),
    collapse: () => setAttribute(view.toggle, "aria-expanded", "false"),
    fill(asked) {
      view.topic.value = asked.topic;
      if ("duration" in asked) choices.set(asked);
      error = undefined;
      render();
      view.topic.focus();
      view.topic.setSelectionRange(asked.topic.length, asked.topic.length);
    },
  };
}

/** What is left of the characters, once little is. */
function countText(left: number, texts: Texts): string {
  if (left > COUNTED_FROM) return "";
  return left < 0 ? texts.charactersOver(-left) : texts.charactersLeft(left);
}

/** 128 random bits. (`crypto.randomUUID` is missing on a page that came over plain HTTP from another machine.) */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The text as the server counts it. */
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
        // Open at first where there is room for it.
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
    // While an input method composes a letter (ê from e and e), Enter belongs to it.
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
