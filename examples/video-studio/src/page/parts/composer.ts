import { LIMITS } from "../../pipeline/request.js";
import { hasWords, normalizeTopic, topicRefusal } from "../../shared/topic.js";
import { setAttribute, setText } from "../dom.js";
import type { I18n } from "../i18n.js";
import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";
import { createChoices } from "./choices.js";
import { type ComposerView, createComposerView, listenTo } from "./composer-view.js";
import { createSender, type Send, type SenderState } from "./sender.js";

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

/** From this number on, the number of characters that are left is shown. */
const COUNTED_FROM = 100;

/** Creates the composer. */
export function createComposer(i18n: I18n, send: Send): Composer {
  const view = createComposerView(() => sender.cancel());
  const choices = createChoices(i18n, () => render());
  const sender = createSender(send, () => render());
  view.options.append(choices.element);

  function render(): void {
    const { texts } = i18n;
    // First, because the summary contains their labels.
    choices.render();
    renderView(view, { texts, summary: choices.summary(), sending: sender.state });
  }

  async function submit(): Promise<void> {
    const topic = topicOf(view.topic);
    if (topic.length > LIMITS.maxTextChars) return;
    if (faultOf(topic, i18n) !== undefined) {
      sender.setMessage(() => faultOf(topic, i18n) ?? "");
      view.topic.focus();
    } else if (await deliver({ topic, ...choices.value })) {
      // The user may have begun to write the next topic.
      if (topicOf(view.topic) === topic) view.topic.value = "";
      render();
    }
  }

  /** Resolves with whether the input was sent. */
  async function deliver(input: VideoInput): Promise<boolean> {
    const result = await sender.send(input);
    if (result === "failed") view.topic.focus();
    // The input of a card's button is not in the fields.
    if (result === "cancelled" && topicOf(view.topic) === "") fill(input);
    return result === "sent";
  }

  function fill(input: VideoInput | { readonly topic: string }): void {
    view.topic.value = input.topic;
    if ("duration" in input) choices.set(input);
    sender.setMessage(undefined);
    render();
    view.topic.focus();
    view.topic.setSelectionRange(input.topic.length, input.topic.length);
  }

  listenTo(view, {
    onInput: () => sender.setMessage(undefined),
    onSubmit: () => void submit(),
  });
  render();
  return {
    element: view.element,
    render,
    send: (input) => void deliver(input),
    focus: () => view.topic.focus(),
    collapse: () => setAttribute(view.toggle, "aria-expanded", "false"),
    fill,
  };
}

interface ViewState {
  readonly texts: Texts;
  /** The chosen options as one line of text. */
  readonly summary: string;
  readonly sending: SenderState;
}

function renderView(view: ComposerView, { texts, summary, sending }: ViewState): void {
  const { isSending } = sending;
  const left = LIMITS.maxTextChars - topicOf(view.topic).length;
  view.topic.placeholder = texts.topicPlaceholder;
  setText(view.label, texts.topicLabel);
  setText(view.toggleText, texts.options);
  setText(view.summary, summary);
  setText(view.hint, texts.keysHint);
  setText(view.counter, countText(left, texts));
  setAttribute(view.counter, "data-over", left < 0);
  setAttribute(view.topic, "aria-invalid", left < 0 ? "true" : false);
  setText(view.sendText, isSending ? texts.sending : texts.send);
  setAttribute(view.send, "aria-disabled", isSending || left < 0 ? "true" : false);
  setAttribute(view.element, "data-sending", isSending);
  view.status.render(sending, texts);
}

/** The number of characters that are left, or an empty string if many are left. */
function countText(left: number, texts: Texts): string {
  if (left > COUNTED_FROM) return "";
  return left < 0 ? texts.charactersOver(-left) : texts.charactersLeft(left);
}

/** The sentence for a topic that can't be made into a video, in the user's present language. */
function faultOf(topic: string, { language, texts }: I18n): string | undefined {
  return hasWords(topic) ? topicRefusal(topic, language) : texts.topicMissing;
}

/** The topic, normalized as the server does before it counts the characters. */
function topicOf(field: HTMLTextAreaElement): string {
  return normalizeTopic(field.value);
}
