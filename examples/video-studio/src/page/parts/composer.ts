import { setAttribute } from "../dom.js";
import type { I18n } from "../i18n.js";
import { withoutTopic } from "../lines.js";
import type { VideoInput } from "../video-input.js";
import { createBatchSender } from "./batch-sender.js";
import { createChoices } from "./choices.js";
import { faultIn, isTooLong, type Request, requestIn } from "./composer-request.js";
import { createComposerView, listenTo } from "./composer-view.js";
import { renderComposer } from "./render-composer.js";
import { createSender, type Send } from "./sender.js";

/** The form in which the user describes a video, or several of them. */
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

/** Creates the composer. */
export function createComposer(i18n: I18n, send: Send): Composer {
  const view = createComposerView(() => sender.cancel());
  const choices = createChoices(i18n, () => render());
  const sender = createSender(send, () => render());
  view.options.append(choices.element);
  const batch = createBatchSender(sender, () => render());
  let isBatch = false;

  const request = (): Request => requestIn(view.topic.value, isBatch);

  function render(): void {
    const { texts } = i18n;
    // First, because the summary contains their labels.
    choices.render();
    renderComposer(view, {
      texts,
      summary: choices.summary(),
      request: request(),
      sending: sender.state,
      batch: batch.sending,
    });
  }

  async function submit(): Promise<void> {
    const { topics } = request();
    if (batch.sending || isTooLong(request())) return;
    if (faultIn(request(), i18n) !== undefined) {
      sender.setMessage(() => faultIn(request(), i18n) ?? "");
      view.topic.focus();
    } else if (topics.length > 1 || batch.isOpen) await deliverBatch(topics);
    else if (await deliver({ topic: topics[0] ?? "", ...choices.value })) drop(topics[0]);
  }

  /** The videos that are not sent stay in the field. */
  async function deliverBatch(topics: readonly string[]): Promise<void> {
    const left = await batch.send(topics, choices.value, drop);
    if (left === 0) return setBatch(false);
    const reason = sender.state.message;
    sender.setMessage((texts) => texts.batchLeft(left, reason?.(texts) ?? "").trim());
    view.topic.focus();
  }

  /** Removes a topic that was sent. The user may have begun to write the next one. */
  function drop(topic = ""): void {
    const { value } = view.topic;
    if (isBatch) view.topic.value = withoutTopic(value, topic);
    else if (request().topics[0] === topic) view.topic.value = "";
    render();
  }

  /** Resolves with whether the input was sent. */
  async function deliver(input: VideoInput): Promise<boolean> {
    const result = await sender.send(input);
    if (result === "failed") view.topic.focus();
    // The input of a card's button is not in the fields.
    if (result === "cancelled" && request().topics.length === 0) fill(input);
    return result === "sent";
  }

  function setBatch(next: boolean): void {
    isBatch = next;
    if (!next) batch.forget();
    sender.setMessage(undefined);
    render();
  }

  function fill(input: VideoInput | { readonly topic: string }): void {
    view.topic.value = input.topic;
    if ("duration" in input) choices.set(input);
    setBatch(false);
    view.topic.focus();
    view.topic.setSelectionRange(input.topic.length, input.topic.length);
  }

  listenTo(view, {
    onInput: () => sender.setMessage(undefined),
    onSubmit: () => void submit(),
    isBatch: () => isBatch,
    onBatch(next) {
      if (batch.sending) return;
      setBatch(next);
      view.topic.focus();
    },
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
