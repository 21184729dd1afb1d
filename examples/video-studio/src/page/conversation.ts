import type { ConnectionState, VideoManager } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { createBatch } from "./batch.js";
import { el } from "./dom.js";
import type { Entry } from "./entry.js";
import { createExchange, type ExchangeCallbacks } from "./exchange.js";
import type { I18n } from "./i18n.js";
import { type Link, withLinks } from "./job-links.js";
import { isLive } from "./job-view.js";
import type { RowCallbacks } from "./parts/video-row.js";
import type { VideoInput } from "./video-input.js";
import type { WatchedVideo } from "./watched-video.js";
import type { YourVideos } from "./your-videos.js";

/** The parts of a conversation. */
export interface ConversationOptions extends ExchangeCallbacks, RowCallbacks {
  readonly videos: VideoManager<VideoJob>;
  readonly yours: YourVideos;
  readonly i18n: I18n;
}

/** The entries that the page shows. */
export interface Conversation {
  readonly element: HTMLElement;
  /** The present states of the jobs, in order. */
  readonly states: readonly WatchedVideo[];
  /** The connections of the jobs that may still change. */
  readonly liveConnections: readonly ConnectionState[];
  readonly newest: Entry | undefined;
  /** Shows a video or a batch at the end, unless it is shown already. @param input - If the user has just sent it. */
  show(link: Link, input?: VideoInput): Entry;
  /** Removes a video that was deleted. */
  remove(jobId: string): void;
  /** Must be called after each change of a job. */
  update(): void;
  /** Renders all entries, for example in another language. */
  render(): void;
  /** Tries to connect at once. */
  check(): void;
}

/** Creates an empty conversation. */
export function createConversation(options: ConversationOptions): Conversation {
  const { videos, yours, i18n } = options;
  const element = el("div", { class: "exchanges" });
  let entries: readonly Entry[] = [];

  const find = ({ kind, id }: Link): Entry | undefined =>
    entries.find(({ link }) => link.kind === kind && link.id === id);
  const states = () => entries.flatMap((entry) => entry.states);

  function create({ kind, id }: Link, input: VideoInput | undefined): Entry {
    if (kind === "batch") return createBatch({ id, watch: yours.watchBatch(id) }, i18n, options);
    const subject = { watch: videos.watch(id), input, session: () => yours.session };
    return createExchange(subject, i18n, options);
  }

  return {
    element,
    get states() {
      return states();
    },
    get liveConnections() {
      const live = states().filter(({ phase }) => isLive(phase));
      return live.map(({ connection }) => connection);
    },
    get newest() {
      return entries.at(-1);
    },
    show(link, input) {
      const known = find(link);
      if (known !== undefined) return known;
      const entry = create(link, input);
      entries = [...entries, entry];
      element.append(entry.element);
      entry.render();
      updateAddress(entries);
      options.onChange();
      return entry;
    },
    remove(jobId) {
      const entry = find({ kind: "job", id: jobId });
      videos.forget(jobId);
      if (entry === undefined) return;
      entries = entries.filter((other) => other !== entry);
      entry.element.remove();
      updateAddress(entries);
    },
    update: () => hideRepeatedBlanks(entries),
    render() {
      for (const entry of entries) entry.render();
    },
    check() {
      for (const entry of entries) entry.check();
    },
  };
}

/** Puts the entries that are shown into the address, so that a reload and a copy of the address show them again. */
function updateAddress(entries: readonly Entry[]): void {
  const shown = entries.filter(({ states }) => !states.some(({ phase }) => phase === "gone"));
  const links = shown.map(({ link }) => link);
  history.replaceState(null, "", withLinks(location.href, links));
}

/** Shows one card of several without any data: after a restart the server may know none of the jobs. */
function hideRepeatedBlanks(entries: readonly Entry[]): void {
  const blank = entries.filter(({ states, isLoaded }) => {
    return !isLoaded && states.some(({ phase }) => phase === "gone");
  });
  for (const entry of blank) entry.element.hidden = entry !== blank.at(-1);
}
