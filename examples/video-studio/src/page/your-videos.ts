import { type FeedSharing, type JobsWatch, watchJobs } from "@emlinh/progress-client";
import { PROGRESS_PATH } from "../shared/addresses.js";
import { batchSubject, sessionSubject } from "../shared/session.js";
import { type VideoJob, videoJob } from "../shared/video-job.js";
import { isLive } from "./job-view.js";
import { removedJobs } from "./removed-jobs.js";
import { titleOf } from "./row-view.js";
import { loadSession } from "./session.js";
import { type WatchedList, watchedList } from "./watched-list.js";

/** The videos of this browser's session. They are the same in each of its tabs. */
export interface YourVideos {
  /** The session's id, or `undefined` until the server has answered. */
  readonly session: string | undefined;
  /** `undefined` until the session is known. */
  readonly list: WatchedList | undefined;
  /** Calls a listener after each change, and each second while a video is made. */
  onChange(listener: () => void): void;
  /** Calls a listener with the id of each video that was deleted, in whichever tab. */
  onRemoved(listener: (jobId: string) => void): void;
  /** The title of a listed video. */
  titleOf(jobId: string): string;
  /** Resolves when the session is known. The browser then has its cookie. */
  ready(): Promise<string>;
  loadMore(): Promise<void>;
  cancel(jobId: string): Promise<void>;
  /** Deletes a video that has ended. */
  remove(jobId: string): Promise<void>;
  /** Watches the videos of a batch. @param batch - Its name. */
  watchBatch(batch: string): JobsWatch<VideoJob>;
  /** Tries to connect at once. */
  check(): void;
}

/** The list of one session. */
interface SessionList {
  readonly session: string;
  readonly watch: JobsWatch<VideoJob>;
  read(): WatchedList;
}

/** The time between two changes without an event, while a video is made: silence is counted in seconds. */
const TICK_MS = 1000;

/** Watches the videos of this browser's session. @param tabs - Shares the connection with the other tabs. */
export function createYourVideos(tabs: FeedSharing): YourVideos {
  const listeners = new Set<() => void>();
  const removals = createRemovals();
  let current: SessionList | undefined;
  let tick: ReturnType<typeof setTimeout> | undefined;
  let hasReopened = false;
  let opening = open();

  const watch = (subject: string): JobsWatch<VideoJob> =>
    watchJobs({ subject, baseUrl: PROGRESS_PATH, definition: videoJob, tabs });

  async function open(): Promise<SessionList> {
    const session = await loadSession();
    const list = watch(sessionSubject(session));
    current = { session, watch: list, read: watchedList(list) };
    list.subscribe(changed);
    return current;
  }

  function changed(): void {
    clearTimeout(tick);
    const { videos = [], isRefused } = current?.read() ?? {};
    // Another tab that was opened at the same moment may have got another session, and its cookie is the one that is
    // kept.
    if (isRefused && !hasReopened) {
      hasReopened = true;
      current?.watch.stop();
      opening = open();
      return;
    }
    removals.update(current?.read());
    tick = videos.some(({ phase }) => isLive(phase)) ? setTimeout(changed, TICK_MS) : undefined;
    for (const listener of listeners) listener();
  }

  return {
    get session() {
      return current?.session;
    },
    get list() {
      return current?.read();
    },
    onChange: (listener) => void listeners.add(listener),
    onRemoved: removals.onRemoved,
    titleOf(jobId) {
      const found = current?.read().videos.find(({ video }) => video?.id === jobId);
      return found === undefined ? "" : titleOf(found);
    },
    ready: async () => (await opening).session,
    loadMore: async () => (await opening).watch.loadMore(),
    cancel: async (jobId) => void (await (await opening).watch.cancel(jobId)),
    remove: async (jobId) => (await opening).watch.remove(jobId),
    watchBatch: (batch) => watch(batchSubject(batch)),
    check: () => current?.watch.refresh(),
  };
}

/** Finds the videos that leave a list. */
interface Removals {
  /** Calls a listener with the id of each video that left. */
  onRemoved(listener: (jobId: string) => void): void;
  /** Compares the list with that of the last call. */
  update(list: WatchedList | undefined): void;
}

function createRemovals(): Removals {
  const listeners = new Set<(jobId: string) => void>();
  let listed: readonly string[] = [];
  return {
    onRemoved: (listener) => void listeners.add(listener),
    update(list) {
      if (!list?.isLoaded) return;
      const before = listed;
      listed = list.videos.map(({ video }) => video?.id ?? "");
      for (const jobId of removedJobs(before, listed, list.hasMore))
        for (const listener of listeners) listener(jobId);
    },
  };
}
