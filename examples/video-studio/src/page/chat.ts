import { isProgressError, type VideoManager } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { worstProblem } from "./connection-view.js";
import { type Conversation, createConversation } from "./conversation.js";
import { el, setAttribute, setText } from "./dom.js";
import type { I18n } from "./i18n.js";
import { jobsIn } from "./job-links.js";
import { isLive } from "./job-view.js";
import type { Ownership } from "./ownership.js";
import { pageTitle } from "./page-title.js";
import { createAnnouncer } from "./parts/announcer.js";
import { createBanner } from "./parts/banner.js";
import { createComposer } from "./parts/composer.js";
import { createEarlierVideos } from "./parts/earlier-videos.js";
import { createHeader } from "./parts/header.js";
import type { SendOptions } from "./parts/sender.js";
import { createWelcome } from "./parts/welcome.js";
import { createRevealer, type RevealArea } from "./revealer.js";
import type { Texts } from "./texts/texts.js";
import type { VideoInput } from "./video-input.js";

/** The dependencies of the chat. */
export interface ChatDependencies {
  readonly videos: VideoManager<VideoJob>;
  readonly i18n: I18n;
  readonly ownership: Ownership;
}

/** Builds the chat into `root`, and shows the recent videos of this browser and those that the address names. */
export function startChat(root: HTMLElement, { videos, i18n, ownership }: ChatDependencies): void {
  const linked = jobsIn(location.search);
  const announcer = createAnnouncer();
  const header = createHeader(i18n);
  const welcome = createWelcome(i18n, (topic) => composer.fill({ topic }));
  const composer = createComposer(i18n, send);
  const conversation = createConversation({
    ...{ videos, i18n, ownership },
    onChange: refresh,
    announce: announcer.announce,
    again: composer.send,
    another: composer.fill,
  });
  const banner = createBanner(i18n, conversation.check, composer.focus);
  const earlier = createEarlierVideos(i18n, conversation.showEarlier);
  const parts = { header, welcome, earlier, conversation, banner, composer, announcer };
  const layout = createLayout(root, parts);
  const revealer = createRevealer(layout);
  const updateTitle = createTitle(conversation, i18n);

  async function send(input: VideoInput, options: SendOptions): Promise<void> {
    try {
      const watch = await videos.create(input, options);
      ownership.add(watch.jobId);
      composer.collapse();
      revealer.reveal(conversation.show(watch, input));
    } catch (error) {
      throw new Error(refusalText(error, i18n.texts), { cause: error });
    }
  }

  function refresh(): void {
    conversation.update();
    banner.render(worstProblem(conversation.liveConnections));
    earlier.render(conversation.countHidden());
    updateTitle();
    revealer.update();
  }

  function render(): void {
    layout.render(i18n.texts);
    for (const part of [header, welcome, composer, conversation]) part.render();
    refresh();
  }

  conversation.showRecent();
  for (const jobId of linked) conversation.show(videos.watch(jobId));
  const newest = conversation.newest();
  if (newest !== undefined) composer.collapse();
  ownership.onChange(() => {
    conversation.showRecent();
    refresh();
  });
  i18n.onChange(render);
  document.addEventListener("visibilitychange", refresh);
  render();
  if (newest !== undefined) revealer.reveal(newest, "instant");
}

interface Part {
  readonly element: HTMLElement;
}

/** Puts the parts of the page into `root`. */
function createLayout(
  root: HTMLElement,
  parts: Readonly<
    Record<
      "header" | "welcome" | "earlier" | "conversation" | "banner" | "composer" | "announcer",
      Part
    >
  >,
): RevealArea & { render(texts: Texts): void } {
  const { header, welcome, earlier, conversation, banner, composer, announcer } = parts;
  const skip = el("a", { class: "skip-link", attributes: { href: "#topic" } });
  const main = el("main", { class: "conversation" }, [
    welcome.element,
    earlier.element,
    conversation.element,
  ]);
  const dock = el("div", { class: "dock" }, [banner.element, composer.element]);
  root.append(skip, header.element, main, dock, announcer.element);
  return {
    header: header.element,
    dock,
    render(texts) {
      setText(skip, texts.skipToComposer);
      setAttribute(main, "aria-label", texts.conversation);
    },
  };
}

/** Returns a function that updates the document's title. */
function createTitle(conversation: Conversation, i18n: I18n): () => void {
  let hasUnseenEnd = false;
  let liveBefore = 0;
  return () => {
    const { states } = conversation;
    const live = states.filter(({ phase }) => isLive(phase)).length;
    // If a job ends while the page is hidden, the title says so until the page is shown.
    hasUnseenEnd = document.hidden && (hasUnseenEnd || live < liveBefore);
    liveBefore = live;
    document.title = pageTitle(states, hasUnseenEnd, i18n.texts);
  };
}

/** The reason for which a video was refused, for the user. */
function refusalText(error: unknown, texts: Texts): string {
  if (!isProgressError(error) || error.status === undefined) return texts.sendFailed;
  if (error.status === 429) return texts.sendGivenUp;
  if (error.status >= 500) return texts.sendBusy;
  return `${texts.sendRefused} ${error.message}`;
}
