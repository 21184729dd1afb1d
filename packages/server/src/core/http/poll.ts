import { type Cursor, type Delta, isEmpty } from "@emlinh/progress-protocol";
import type { TopicHandle } from "../hub/join.js";
import type { TopicListener } from "../hub/topic.js";
import { type HeldRequest, untilAnswer } from "./held-request.js";

/** A poll of one job that is held until there is something to answer. */
export interface HeldPoll extends Omit<HeldRequest, "reads"> {
  readonly handle: TopicHandle;
  readonly cursor: Cursor;
}

/**
 * Waits until the job has changed, has ended or was removed, or as {@link untilAnswer} says. Then gives the handle
 * back.
 *
 * @returns `undefined` if the job was removed meanwhile.
 */
export async function holdPoll(poll: HeldPoll): Promise<Delta | undefined> {
  const { hub, handle, cursor } = poll;
  const { topic } = handle;
  const hasAnswer = (): boolean =>
    topic.isClosed() || topic.isLost() || topic.replica.done || !isEmpty(topic.deltaAfter(cursor));
  try {
    const outcome = await untilAnswer(
      {
        ...poll,
        reads: ({ jobId, subject }) =>
          subject === undefined && (jobId === undefined || jobId === topic.jobId),
      },
      {
        hasAnswer,
        listen(wake) {
          const listener: TopicListener = { changed: wake, removed: wake, storeLost: wake };
          topic.listeners.add(listener);
          return () => topic.listeners.delete(listener);
        },
      },
    );
    // The job may have changed since, and the reader has to be asked about first (P58).
    if (outcome === "revoked") return { cursor, reset: false, set: {}, log: [], done: false };
    return topic.isClosed() && !hub.isDraining() ? undefined : topic.deltaAfter(cursor);
  } finally {
    handle.leave();
  }
}
