import type { Video } from "./job-view.js";

/** The user's input for a video. It is enough to request the same video again. */
export interface VideoInput {
  readonly topic: string;
  /** In seconds. */
  readonly duration: number;
  readonly composition: string;
  readonly background: string;
  readonly voice: string;
}

/** An input that is sent, perhaps in a batch. */
export interface SentInput extends VideoInput {
  /** The id of the batch within this session. */
  readonly batch?: string;
}

/** The input of a job, from its metadata, or `undefined` if the metadata is incomplete. */
export function inputOf(video: Video | undefined): VideoInput | undefined {
  const { topic, duration, composition, background, voice } = video?.metadata ?? {};
  if (
    topic === undefined ||
    duration === undefined ||
    composition === undefined ||
    background === undefined ||
    voice === undefined
  )
    return undefined;
  return { topic, duration, composition, background, voice };
}
