import type { ConnectionState, JobsSummary, JobsWatch } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { phaseOf } from "./job-view.js";
import { createLink, newsOf } from "./news.js";
import type { WatchedVideo } from "./watched-video.js";

/** The present state of a list of videos. */
export interface WatchedList {
  /** The newest first. */
  readonly videos: readonly WatchedVideo[];
  readonly summary: JobsSummary;
  readonly isLoaded: boolean;
  readonly hasMore: boolean;
  /** Whether the list may be out of date, because there is no connection. */
  readonly isUnseen: boolean;
  /** Whether the server refuses the list. */
  readonly isRefused: boolean;
  readonly connection: ConnectionState;
}

/** Returns a function that reads the state of a list. It must be called after each change of the list. */
export function watchedList(list: JobsWatch<VideoJob>): () => WatchedList {
  const linkOf = createLink(() => performance.now());
  return () => {
    const { jobs, summary, isLoaded, hasMore, connection } = list.getSnapshot();
    const link = linkOf(connection);
    const now = list.now();
    const videos = jobs.map((video) => {
      const phase = phaseOf(video, false);
      return { video, phase, news: newsOf({ phase, video, link, now }), connection };
    });
    const isRefused = connection.status === "closed" && connection.error !== undefined;
    return {
      ...{ videos, summary, isLoaded, hasMore, isRefused, connection },
      isUnseen: link === "down",
    };
  };
}
