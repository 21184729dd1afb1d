import type { ConnectionState, JobWatch, VideoManager } from "@emlinh/progress-client";
import { isTerminal } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { el } from "./dom.js";
import { createExchange, type Exchange, type ExchangeCallbacks } from "./exchange.js";
import type { I18n } from "./i18n.js";
import { withJobs } from "./job-links.js";
import { isLive } from "./job-view.js";
import type { Ownership } from "./ownership.js";
import type { VideoInput } from "./video-input.js";
import type { WatchedVideo } from "./watched-video.js";

/** The parts of a conversation. */
export interface ConversationOptions extends ExchangeCallbacks {
  readonly videos: VideoManager<VideoJob>;
  readonly i18n: I18n;
  readonly ownership: Ownership;
}

/** The exchanges that the page shows. */
export interface Conversation {
  readonly element: HTMLElement;
  /** The present states of the jobs, in order. */
  readonly states: readonly WatchedVideo[];
  /** The connections of the jobs that may still change. */
  readonly liveConnections: readonly ConnectionState[];
  /** Shows a job at the end, unless it is shown already. */
  show(watch: JobWatch<VideoJob>, input?: VideoInput): Exchange;
  /** Shows the recent own videos that are not shown yet. */
  showRecent(): void;
  /** Shows the other own videos before all others, and moves the focus to the first one. */
  showEarlier(): void;
  /** The number of own videos that are not shown. */
  countHidden(): number;
  newest(): Exchange | undefined;
  /** Must be called after each change of a job. */
  update(): void;
  /** Renders all exchanges, for example in another language. */
  render(): void;
  /** Tries to connect at once. */
  check(): void;
}

/** Creates an empty conversation. */
export function createConversation(options: ConversationOptions): Conversation {
  const { videos, i18n, ownership } = options;
  const exchanges: Exchange[] = [];
  const element = el("div", { class: "exchanges" });

  const states = () => exchanges.map(({ state }) => state);

  function show(watch: JobWatch<VideoJob>, input?: VideoInput): Exchange {
    const known = exchanges.find(({ jobId }) => jobId === watch.jobId);
    if (known !== undefined) return known;
    const isOwn = ownership.has(watch.jobId);
    const exchange = createExchange({ watch, input, isOwn }, i18n, options);
    exchanges.push(exchange);
    element.append(exchange.element);
    updateAddress(exchanges);
    options.onChange();
    return exchange;
  }

  function hidden(): readonly string[] {
    const { earlier } = ownership.split(videos.jobs().map(({ jobId }) => jobId));
    return earlier.filter((jobId) => !exchanges.some((exchange) => exchange.jobId === jobId));
  }

  return {
    element,
    show,
    get states() {
      return states();
    },
    get liveConnections() {
      const live = states().filter(({ phase }) => isLive(phase));
      return live.map(({ connection }) => connection);
    },
    showRecent() {
      const { recent } = ownership.split(videos.resume().map(({ jobId }) => jobId));
      for (const jobId of recent) show(videos.watch(jobId));
    },
    showEarlier() {
      const shown = hidden().map((jobId) => show(videos.watch(jobId)));
      element.prepend(...shown.map((exchange) => exchange.element));
      exchanges.unshift(...exchanges.splice(-shown.length));
      updateAddress(exchanges);
      shown[0]?.focus();
    },
    countHidden: () => hidden().length,
    newest: () => exchanges.at(-1),
    update() {
      for (const { jobId, state } of exchanges) if (isTerminal(state.phase)) ownership.end(jobId);
      hideRepeatedBlanks(exchanges);
    },
    render() {
      for (const exchange of exchanges) exchange.render();
    },
    check() {
      for (const exchange of exchanges) exchange.check();
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
