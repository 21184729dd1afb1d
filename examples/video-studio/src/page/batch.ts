import type { JobsWatch } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { el } from "./dom.js";
import type { Entry } from "./entry.js";
import type { I18n } from "./i18n.js";
import { isLive } from "./job-view.js";
import { createBatchCard } from "./parts/batch-card.js";
import { createRequestMessage, messageFrom } from "./parts/message.js";
import type { RowCallbacks } from "./parts/video-row.js";
import { inputOf } from "./video-input.js";
import { watchedList } from "./watched-list.js";

/** Functions of the conversation that a batch calls. */
export interface BatchCallbacks extends RowCallbacks {
  /** The batch has changed. */
  onChange(): void;
  /** Announces a text to screen readers. */
  announce(text: string): void;
}

/** Videos that were requested together: the user's message with the topics, and the card that answers it. */
export function createBatch(
  batch: { readonly id: string; readonly watch: JobsWatch<VideoJob> },
  i18n: I18n,
  callbacks: BatchCallbacks,
): Entry {
  const { id, watch } = batch;
  const currentState = watchedList(watch);
  const card = createBatchCard(callbacks);
  const request = createRequestMessage();
  const answer = messageFrom("assistant", [card.element]);
  const element = el("section", { class: "exchange" }, [request.element, answer.element]);
  let wasLive = false;

  function render(): void {
    const list = currentState();
    const { texts } = i18n;
    const inputs = list.videos.toReversed().map(({ video }) => inputOf(video));
    const topics = inputs.map((input) => input?.topic ?? "");
    const [first] = inputs;
    request.render(first && { ...first, topic: topics.join("\n") }, i18n.language, texts);
    answer.name.textContent = texts.assistant;
    card.render(list, texts);
    // All of its videos were deleted.
    element.hidden = list.isLoaded && list.videos.length === 0;
    const isLiveNow = list.videos.some(({ phase }) => isLive(phase));
    const { finished, total } = list.summary;
    if (wasLive && !isLiveNow) callbacks.announce(texts.batchEnded(finished, total));
    wasLive = isLiveNow;
  }

  watch.subscribe(() => {
    render();
    callbacks.onChange();
  });

  return {
    link: { kind: "batch", id },
    element,
    get states() {
      return currentState().videos;
    },
    get isLoaded() {
      return currentState().isLoaded;
    },
    render,
    check: () => watch.refresh(),
    focus: card.focus,
  };
}
