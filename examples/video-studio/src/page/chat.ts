import { isProgressError, type JobWatch, type VideoManager } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import type { Asked } from "./asked.js";
import { gravest } from "./connection-view.js";
import { el, setAttribute, setText } from "./dom.js";
import { createExchange, type Exchange, type ExchangeDeeds } from "./exchange.js";
import { jobsIn, withJobs } from "./job-links.js";
import { isLive } from "./job-view.js";
import type { Speech } from "./language.js";
import type { Ownership } from "./ownership.js";
import { pageTitle } from "./page-title.js";
import { createAnnouncer } from "./parts/announcer.js";
import { createBanner } from "./parts/banner.js";
import { createComposer } from "./parts/composer.js";
import { createHeader } from "./parts/header.js";
import { createWelcome } from "./parts/welcome.js";
import type { Texts } from "./texts/texts.js";

/** What the chat works with. */
export interface ChatNeeds {
  readonly videos: VideoManager<VideoJob>;
  readonly speech: Speech;
  readonly ownership: Ownership;
}

/** Builds the chat into `root`, and takes up the jobs that this browser made and those that the address names. */
export function startChat(root: HTMLElement, { videos, speech, ownership }: ChatNeeds): void {
  const exchanges: Exchange[] = [];
  let hasNews = false;
  let liveBefore = 0;
  const announcer = createAnnouncer();
  const header = createHeader(speech);
  const welcome = createWelcome(speech, (topic) => composer.fill({ topic }));
  const composer = createComposer(speech, send);
  const banner = createBanner(
    speech,
    () => {
      for (const exchange of exchanges) exchange.check();
    },
    () => composer.focus(),
  );
  const list = el("div", { class: "exchanges" });
  const skip = el("a", { class: "skip-link", attributes: { href: "#topic" } });
  const main = el("main", { class: "conversation" }, [welcome.element, list]);
  const dock = el("div", { class: "dock" }, [banner.element, composer.element]);
  root.append(skip, header.element, main, dock, announcer.element);

  const deeds: ExchangeDeeds = {
    onChange: refresh,
    say: announcer.say,
    again: (asked) => composer.send(asked),
    another: (asked) => composer.fill(asked),
  };

  async function send(asked: Asked, idempotencyKey: string): Promise<void> {
    try {
      const watch = await videos.create(asked, { key: idempotencyKey });
      ownership.add(watch.jobId);
      const exchange = show(watch, asked);
      exchange.element.scrollIntoView({ block: "start" });
    } catch (error) {
      throw new Error(refusalText(error, speech.texts), { cause: error });
    }
  }

  function show(watch: JobWatch<VideoJob>, asked?: Asked): Exchange {
    const known = exchanges.find(({ jobId }) => jobId === watch.jobId);
    if (known !== undefined) return known;
    const subject = {
      watch,
      asked,
      isOwn: ownership.has(watch.jobId),
      link: withJobs(location.href, [watch.jobId]),
    };
    const exchange = createExchange(subject, speech, deeds);
    exchanges.push(exchange);
    list.append(exchange.element);
    composer.collapse();
    history.replaceState(
      null,
      "",
      withJobs(
        location.href,
        exchanges.filter(({ phase }) => phase !== "gone").map(({ jobId }) => jobId),
      ),
    );
    refresh();
    return exchange;
  }

  function refresh(): void {
    // After a restart the server may know none of many: one card says all that there is to say.
    const blank = exchanges.filter(({ phase, video }) => phase === "gone" && video === undefined);
    for (const exchange of blank) exchange.element.hidden = exchange !== blank.at(-1);
    const live = exchanges.filter(({ phase }) => isLive(phase));
    banner.render(gravest(live.map(({ connection }) => connection)));
    // What ends while nobody looks is told by the title, until somebody does.
    hasNews = document.hidden && (hasNews || live.length < liveBefore);
    liveBefore = live.length;
    document.title = pageTitle(exchanges, hasNews, speech.texts);
  }

  function render(): void {
    const { texts } = speech;
    setText(skip, texts.skipToComposer);
    setAttribute(main, "aria-label", texts.conversation);
    for (const part of [header, welcome, composer, ...exchanges]) part.render();
    refresh();
  }

  // What this tab showed before a reload, then what the address names besides, as a shared link does.
  const kept = videos.resume().map(({ jobId }) => jobId);
  for (const jobId of new Set([...kept, ...jobsIn(location.search)])) show(videos.watch(jobId));
  speech.onChange(render);
  document.addEventListener("visibilitychange", refresh);
  render();
  exchanges.at(-1)?.element.scrollIntoView({ block: "start", behavior: "instant" });
}

/** Why a video was not taken, for the user. */
function refusalText(error: unknown, texts: Texts): string {
  if (!isProgressError(error) || error.status === undefined) return texts.sendFailed;
  if (error.status === 429 || error.status >= 500) return texts.sendBusy;
  return `${texts.sendRefused} ${error.message}`;
}
