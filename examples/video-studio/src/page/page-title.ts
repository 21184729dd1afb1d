import { percentText } from "./format.js";
import type { Video } from "./job-view.js";
import { isLive } from "./job-view.js";
import type { News } from "./news.js";
import type { Phase, Texts } from "./texts/texts.js";

/** The parts of a job that the title shows. */
export interface TitledJob {
  readonly phase: Phase;
  readonly video: Video | undefined;
  readonly news: News;
}

/** The document's title. It shows the percent of the running video, so the user sees it in the tab. */
export function pageTitle(jobs: readonly TitledJob[], hasUnseenEnd: boolean, texts: Texts): string {
  if (jobs.some(({ news }) => news.kind === "unseen")) return texts.titleUnseen;
  const running = jobs.findLast(({ video, phase }) => isLive(phase) && video?.status === "running");
  if (running?.video) return texts.titleWorking(percentText(running.video.percent));
  if (jobs.some(({ phase }) => phase === "queued")) return texts.titleQueued;
  return hasUnseenEnd ? texts.titleDone : texts.pageTitle;
}
