import type { ConnectionState, JobWatch } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { phaseOf, type Video } from "./job-view.js";
import { createLink, type News, newsOf } from "./news.js";
import type { Phase } from "./texts/texts.js";

/** The present state of a watched job. */
export interface WatchedVideo {
  readonly video: Video | undefined;
  readonly phase: Phase;
  readonly news: News;
  readonly connection: ConnectionState;
}

/** Returns a function that reads the state of a job. It must be called after each change of the watch. */
export function watchedVideo(watch: JobWatch<VideoJob>): () => WatchedVideo {
  const linkOf = createLink(() => performance.now());
  return () => {
    const { job: video, connection } = watch.getSnapshot();
    // The server refused further data of the job.
    const isGone = connection.status === "closed" && connection.error !== undefined;
    const phase = phaseOf(video, isGone);
    const link = linkOf(connection);
    return { video, phase, news: newsOf({ phase, video, link, now: watch.now() }), connection };
  };
}
