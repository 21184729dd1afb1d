import type { Video } from "./job-view.js";

/** What the user asked for; enough to ask for the same again. */
export interface Asked {
  readonly topic: string;
  /** In seconds. */
  readonly duration: number;
  readonly composition: string;
  readonly background: string;
  readonly voice: string;
}

/** What a job was asked for, read from its metadata; `undefined` until all of it is there. */
export function askedOf(video: Video | undefined): Asked | undefined {
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
