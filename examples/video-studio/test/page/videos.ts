import type { Video } from "../../src/page/job-view.js";
import { VIDEO_PLAN } from "../../src/pipeline/plan.js";

/** The start of the jobs in these tests, in milliseconds since the epoch. */
export const BEGAN = 1_700_000_000_000;

/** A running job without steps, with the values of a test. */
export function video(given: Partial<Video> = {}): Video {
  return {
    id: "job-1",
    kind: "video",
    status: "running",
    attempt: 1,
    step: null,
    message: null,
    percent: 0,
    etaMs: null,
    plan: VIDEO_PLAN.map(({ id, title, weight }) => ({ id, title: title.en, weight })),
    steps: {},
    metadata: {
      topic: "Sky",
      duration: 20,
      composition: "presenter",
      background: "violet",
      voice: "vi+f3",
    },
    result: null,
    error: null,
    cancelRequested: false,
    createdAt: BEGAN,
    startedAt: BEGAN,
    updatedAt: BEGAN,
    finishedAt: null,
    stale: false,
    ...given,
  } as Video;
}
