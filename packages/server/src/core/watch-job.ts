import {
  type AnyJob,
  type Cursor,
  type JobState,
  type LogLine,
  replicaFields,
  stateOf,
} from "@emlinh/progress-protocol";
import { asProgressError } from "../shared/errors.js";
import { callSafely } from "../shared/never-throws.js";
import { checksFor } from "../shared/option-checks.js";
import { elapsed } from "../shared/time.js";
import type { Hub } from "./hub/hub.js";
import type { TopicHandle } from "./hub/join.js";
import type { TopicListener } from "./hub/topic.js";
import type { Settings } from "./options.js";

/**
 * Called with a job's state and the log lines that are new: once at the start with the lines that are kept, then after
 * each change. Called with `undefined` once the job was removed. An error that it throws, or rejects with, is passed to
 * `onError`.
 */
export type JobListener = (
  job: JobState<AnyJob> | undefined,
  log: readonly LogLine[],
) => void | Promise<void>;

/** The dependencies of {@link watchJob}. */
export interface WatchContext {
  readonly hub: Hub;
  readonly settings: Pick<Settings, "onError">;
  /** The store's time, in milliseconds since the epoch. */
  now(): number;
}

/**
 * Watches a job in this process, through the hub. The watch ends by itself after the job's end or removal.
 *
 * @returns a function that ends the watch. Idempotent.
 * @throws ProgressError `job-not-found`, `job-expired`, `closed`, `store-unavailable`, `invalid-option`
 */
export async function watchJob(
  { hub, settings, now }: WatchContext,
  jobId: string,
  listener: JobListener,
): Promise<() => void> {
  if (typeof listener !== "function")
    throw checksFor("watch").invalid(
      "listener",
      listener,
      "a function, as in watch(jobId, (job) => {})",
    );
  const handle = await hub.join(jobId, {});
  const { topic } = handle;
  let cursor: Cursor | undefined;
  const notify = notifier(listener, (error) =>
    settings.onError(asProgressError(error, `A listener of the job "${jobId}" failed.`)),
  );
  const topicListener: TopicListener = {
    changed() {
      const { log } = topic.deltaAfter(cursor);
      const { done } = topic.replica;
      cursor = topic.replica.cursor;
      if (done) stop();
      notify(stateOf(jobId, replicaFields(topic.replica), now()), log);
    },
    removed() {
      stop();
      notify(undefined, []);
    },
    // The topic reads again by itself once the store is back.
    storeLost: () => {},
  };
  const stop = (): void => leave(handle, topicListener);
  topic.listeners.add(topicListener);
  try {
    // The job may have been removed since the topic was joined.
    if (topic.isClosed()) topicListener.removed();
    else topicListener.changed(now(), elapsed());
  } catch (error) {
    // A state that can't be read. The caller gets no function to end the watch with.
    stop();
    throw error;
  }
  return stop;
}

function leave(handle: TopicHandle, listener: TopicListener): void {
  handle.topic.listeners.delete(listener);
  handle.leave();
}

function notifier(
  listener: JobListener,
  onError: (error: unknown) => void,
): (...args: Parameters<JobListener>) => void {
  return (job, log) => {
    callSafely(() => listener(job, log), onError);
  };
}
