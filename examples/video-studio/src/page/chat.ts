import {
  type ConnectionState,
  isProgressError,
  isTerminal,
  type JobWatch,
  type VideoManager,
} from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { worstProblem } from "./connection-view.js";
import { el, setAttribute, setText } from "./dom.js";
import { createExchange, type Exchange, type ExchangeCallbacks } from "./exchange.js";
import type { I18n } from "./i18n.js";
import { jobsIn, withJobs } from "./job-links.js";
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
  const announcer = createAnnouncer();
  const header = createHeader(i18n);
  const welcome = createWelcome(i18n, (topic) => composer.fill({ topic }));
  const composer = createComposer(i18n, send);
  const banner = createBanner(i18n, () => checkConnections(exchanges), composer.focus);
  const earlier = createEarlierVideos(i18n, showEarlier);
  const layout = createLayout(root, { header, welcome, earlier, banner, composer, announcer });
  const revealer = createRevealer(layout);
  const exchanges: Exchange[] = [];
  const updateTitle = createTitle(exchanges, i18n);
  const callbacks: ExchangeCallbacks = {
    onChange: refresh,
    announce: announcer.announce,
    again: (input) => composer.send(input),
    another: (input) => composer.fill(input),
  };

  async function send(input: VideoInput, options: SendOptions): Promise<void> {
    try {
      const watch = await videos.create(input, options);
      ownership.add(watch.jobId);
      composer.collapse();
      revealer.reveal(show(watch, input));
    } catch (error) {
      throw new Error(refusalText(error, i18n.texts), { cause: error });
    }
  }

  function show(watch: JobWatch<VideoJob>, input?: VideoInput): Exchange {
    const known = exchanges.find(({ jobId }) => jobId === watch.jobId);
    if (known !== undefined) return known;
    const isOwn = ownership.has(watch.jobId);
    const exchange = createExchange({ watch, input, isOwn }, i18n, callbacks);
    exchanges.push(exchange);
    layout.list.append(exchange.element);
    updateAddress(exchanges);
    refresh();
    return exchange;
  }

  /** Shows the recent videos that are not shown yet, and offers the others. */
  function showOwn(): void {
    const { recent } = ownership.split(videos.resume().map(({ jobId }) => jobId));
    for (const jobId of recent) show(videos.watch(jobId));
    earlier.render(hiddenVideos().length);
  }

  function hiddenVideos(): readonly string[] {
    const { earlier } = ownership.split(videos.jobs().map(({ jobId }) => jobId));
    return earlier.filter((jobId) => !exchanges.some((exchange) => exchange.jobId === jobId));
  }

  function showEarlier(): void {
    const shown = hiddenVideos().map((jobId) => show(videos.watch(jobId)));
    layout.list.prepend(...shown.map(({ element }) => element));
    exchanges.unshift(...exchanges.splice(-shown.length));
    updateAddress(exchanges);
    shown[0]?.focus();
    earlier.render(0);
  }

  function refresh(): void {
    for (const { jobId, state } of exchanges) if (isTerminal(state.phase)) ownership.end(jobId);
    hideRepeatedBlanks(exchanges);
    banner.render(worstProblem(liveConnections(exchanges)));
    updateTitle();
    revealer.update();
  }

  function render(): void {
    layout.render(i18n.texts);
    for (const part of [header, welcome, composer, ...exchanges]) part.render();
    earlier.render(hiddenVideos().length);
    refresh();
  }

  const linked = jobsIn(location.search);
  showOwn();
  for (const jobId of linked) show(videos.watch(jobId));
  if (exchanges.length > 0) composer.collapse();
  ownership.onChange(showOwn);
  i18n.onChange(render);
  document.addEventListener("visibilitychange", refresh);
  render();
  const newest = exchanges.at(-1);
  if (newest !== undefined) revealer.reveal(newest, "instant");
}

function checkConnections(exchanges: readonly Exchange[]): void {
  for (const exchange of exchanges) exchange.check();
}

function liveConnections(exchanges: readonly Exchange[]): readonly ConnectionState[] {
  const states = exchanges.map(({ state }) => state);
  return states.filter(({ phase }) => isLive(phase)).map(({ connection }) => connection);
}

interface Part {
  readonly element: HTMLElement;
}

/** Puts the parts of the page into `root`. */
function createLayout(
  root: HTMLElement,
  parts: Readonly<
    Record<"header" | "welcome" | "earlier" | "banner" | "composer" | "announcer", Part>
  >,
): RevealArea & { readonly list: HTMLElement; render(texts: Texts): void } {
  const { header, welcome, earlier, banner, composer, announcer } = parts;
  const list = el("div", { class: "exchanges" });
  const skip = el("a", { class: "skip-link", attributes: { href: "#topic" } });
  const main = el("main", { class: "conversation" }, [welcome.element, earlier.element, list]);
  const dock = el("div", { class: "dock" }, [banner.element, composer.element]);
  root.append(skip, header.element, main, dock, announcer.element);
  return {
    header: header.element,
    dock,
    list,
    render(texts) {
      setText(skip, texts.skipToComposer);
      setAttribute(main, "aria-label", texts.conversation);
    },
  };
}

/** Puts the jobs that are shown into the address, so that a reload and a copy of the address show them again. */
function updateAddress(exchanges: readonly Exchange[]): void {
  const shown = exchanges.filter(({ state }) => state.phase !== "gone").map(({ jobId }) => jobId);
  history.replaceState(null, "", withJobs(location.href, shown));
}

/** Shows one card of several without any data: after a restart the server may know none of the jobs. */
function hideRepeatedBlanks(exchanges: readonly Exchange[]): void {
  const blank = exchanges.filter(({ state: { phase, video } }) => {
    return phase === "gone" && video === undefined;
  });
  for (const exchange of blank) exchange.element.hidden = exchange !== blank.at(-1);
}

/** Returns a function that updates the document's title. */
function createTitle(exchanges: readonly Exchange[], i18n: I18n): () => void {
  let hasUnseenEnd = false;
  let liveBefore = 0;
  return () => {
    const states = exchanges.map(({ state }) => state);
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
