import { percentText } from "./format.js";
import type { Video } from "./job-view.js";
import { isLive } from "./job-view.js";
import type { Phase, Texts } from "./texts/texts.js";

/** One job, as far as the title speaks of it. */
export interface TitledJob {
  readonly phase: Phase;
  readonly video: Video | undefined;
}

/** The document's title: how far the video is that runs, so that a look at the tab is enough. */
export function pageTitle(jobs: readonly TitledJob[], hasNews: boolean, texts: Texts): string {
  const running = jobs.findLast(({ video, phase }) => isLive(phase) && video?.status === "running");
  if (running?.video) return texts.titleWorking(percentText(running.video.percent));
  if (jobs.some(({ phase }) => phase === "queued")) return texts.titleQueued;
  return hasNews ? texts.titleDone : texts.pageTitle;
}
