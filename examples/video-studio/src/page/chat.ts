import { isProgressError, type VideoManager } from "@emlinh/progress-client";
import { batchOf } from "../shared/session.js";
import type { VideoJob } from "../shared/video-job.js";
import { worstProblem } from "./connection-view.js";
import { type Conversation, createConversation } from "./conversation.js";
import { createGuide } from "./guide.js";
import type { I18n } from "./i18n.js";
import { type Link, linksIn } from "./job-links.js";
import { isLive } from "./job-view.js";
import { createLayout } from "./layout.js";
import { pageTitle } from "./page-title.js";
import { createAnnouncer } from "./parts/announcer.js";
import { createBanner } from "./parts/banner.js";
import { createComposer } from "./parts/composer.js";
import { createHeader } from "./parts/header.js";
import { createLibrary } from "./parts/library.js";
import type { SendOptions } from "./parts/sender.js";
import { createWelcome } from "./parts/welcome.js";
import { createRevealer } from "./revealer.js";
import type { Texts } from "./texts/texts.js";
import type { SentInput } from "./video-input.js";
import type { WatchedList } from "./watched-list.js";
import type { YourVideos } from "./your-videos.js";

/** The dependencies of the chat. */
export interface ChatDependencies {
  readonly videos: VideoManager<VideoJob>;
  readonly yours: YourVideos;
  readonly i18n: I18n;
}

/** Builds the chat into `root`, and shows the videos that the address names, or else those that are being made. */
export function startChat(root: HTMLElement, { videos, yours, i18n }: ChatDependencies): void {
  const announcer = createAnnouncer();
  const linked = linksIn(location.search);
  const open = (jobId: string) => guide.open({ kind: "job", id: jobId });
  const rowCallbacks = { open, cancel: yours.cancel, remove };
  const library = createLibrary(i18n, { ...rowCallbacks, loadMore: yours.loadMore });
  const header = createHeader(i18n, library.toggle);
  const welcome = createWelcome(i18n, (topic) => composer.fill({ topic }));
  const composer = createComposer(i18n, send);
  const conversation = createConversation({
    ...{ videos, yours, i18n, ...rowCallbacks },
    onChange: refresh,
    announce: announcer.announce,
    again: composer.send,
    another: composer.fill,
  });
  const banner = createBanner(i18n, check, composer.focus);
  const parts = { header, welcome, conversation, banner, composer, library, announcer };
  const layout = createLayout(root, parts);
  const revealer = createRevealer(layout);
  const guide = createGuide({ conversation, revealer, composer });
  const updateTitle = createTitle(conversation, i18n);

  async function send(input: SentInput, options: SendOptions): Promise<void> {
    try {
      guide.sent(await createVideo({ videos, yours }, input, options), input);
    } catch (error) {
      throw new Error(refusalText(error, i18n.texts), { cause: error });
    }
  }

  async function remove(jobId: string): Promise<void> {
    const title = yours.titleOf(jobId);
    await yours.remove(jobId);
    announcer.announce(i18n.texts.saysDeleted(title));
  }

  function check(): void {
    yours.check();
    conversation.check();
  }

  function refresh(): void {
    const { list } = yours;
    guide.beginWith(list);
    conversation.update();
    library.render(list);
    banner.render(problemOf(conversation, list));
    updateTitle();
    revealer.update();
  }

  function render(): void {
    layout.render(i18n.texts);
    for (const part of [header, welcome, composer, conversation]) part.render();
    refresh();
  }

  yours.onChange(refresh);
  yours.onRemoved(conversation.remove);
  void yours.ready().then(() => {
    conversation.render();
    refresh();
  });
  i18n.onChange(render);
  document.addEventListener("visibilitychange", refresh);
  render();
  guide.begin(linked);
}

/** Creates a video, or one of a batch. Resolves with the link to it, or to its batch. */
async function createVideo(
  { videos, yours }: Pick<ChatDependencies, "videos" | "yours">,
  input: SentInput,
  options: SendOptions,
): Promise<Link> {
  // The request needs the cookie of the session, or the video would be in no list.
  const session = await yours.ready();
  options.signal.throwIfAborted();
  const { jobId } = await videos.create(input, options);
  if (input.batch === undefined) return { kind: "job", id: jobId };
  return { kind: "batch", id: batchOf(session, input.batch) };
}

/** The worst problem of the connections for the conversation and for the list. */
function problemOf({ liveConnections }: Conversation, list: WatchedList | undefined) {
  return worstProblem(list ? [...liveConnections, list.connection] : liveConnections);
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
