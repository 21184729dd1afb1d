import { setAttribute } from "../dom.js";
import type { I18n } from "../i18n.js";
import type { VideoInput } from "../video-input.js";
import { createBatchSender } from "./batch-sender.js";
import { createChoices } from "./choices.js";
import { createComposerView, listenTo } from "./composer-view.js";
import { renderComposer } from "./render-composer.js";
import { createSender, type Send } from "./sender.js";
import { createSubmission } from "./submission.js";
import { createTopicField } from "./topic-field.js";

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
  const field = createTopicField(view.topic);
  const choices = createChoices(i18n, () => render());
  const sender = createSender(send, () => render());
  view.options.append(choices.element);
  const batch = createBatchSender(sender, () => render());
  const parts = { i18n, field, choices, sender, batch };
  const endBatch = () => setBatch(false);
  const { submit, deliver } = createSubmission({ ...parts, fill, endBatch, render });

  function render(): void {
    const { texts } = i18n;
    // First, because the summary contains their labels.
    choices.render();
    renderComposer(view, {
      texts,
      summary: choices.summary(),
      request: field.request(),
      sending: sender.state,
      batch: batch.sending,
    });
  }

  function setBatch(isBatch: boolean): void {
    field.isBatch = isBatch;
    if (!isBatch) batch.forget();
    sender.setMessage(undefined);
    render();
  }

  function fill(input: VideoInput | { readonly topic: string }): void {
    field.set(input.topic);
    if ("duration" in input) choices.set(input);
    setBatch(false);
  }

  listenTo(view, {
    onInput: () => sender.setMessage(undefined),
    onSubmit: () => void submit(),
    isBatch: () => field.isBatch,
    onBatch(isBatch) {
      if (batch.sending) return;
      setBatch(isBatch);
      field.focus();
    },
  });
  render();
  return {
    element: view.element,
    render,
    send: (input) => void deliver(input),
    focus: field.focus,
    collapse: () => setAttribute(view.toggle, "aria-expanded", "false"),
    fill,
  };
}
