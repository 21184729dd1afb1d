import { defineJob, type JobDefinition, typed } from "@emlinh/progress-client";
import type { Language } from "../pipeline/language.js";
import { VIDEO_PLAN, type VideoStepId } from "../pipeline/plan.js";
import type { CreateVideoBody } from "./create-video.js";

/** The metadata of a video's job: the request, and what the worker adds while it makes the video. */
export interface VideoMetadata {
  readonly topic: string;
  /** The requested length, in seconds. */
  readonly duration: number;
  readonly composition: string;
  readonly background: string;
  /** The requested voice. A text in another language is spoken by a voice of that language. */
  readonly voice: string;
  /** The language of the video, and of its messages. */
  readonly language: Language;
  /** 1 is next; 0 once the job runs. */
  readonly queuePosition?: number;
  /** The newest preview frame. Each frame has its own address. It is removed at the job's end. */
  readonly previewUrl?: string;
  readonly title?: string;
  /** The titles of the scenes, in order. */
  readonly scenes?: readonly string[];
  /** The session that requested the video. */
  readonly owner?: string;
  /** The name of the batch in which the session requested it. */
  readonly batch?: string;
  /** The `session_id` of the request. */
  readonly sessionId?: string;
}

/** The finished video. */
export interface VideoResult {
  readonly videoUrl: string;
  readonly posterUrl: string;
  readonly durationMs: number;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly bytes: number;
  readonly title: string;
}

/** The types of a video's job. */
export interface VideoJob {
  readonly input: CreateVideoBody;
  readonly step: VideoStepId;
  readonly metadata: VideoMetadata;
  readonly result: VideoResult;
}

/** The definition of a video's job, which server and page share. */
export const videoJob: JobDefinition<VideoJob> = videoJobIn("en");

/** The same definition, with the titles of the steps in one language. */
export function videoJobIn(language: Language): JobDefinition<VideoJob> {
  return defineJob({
    kind: "video",
    plan: VIDEO_PLAN.map(({ id, title, weight }) => ({ id, title: title[language], weight })),
    input: typed<CreateVideoBody>(),
    metadata: typed<VideoMetadata>(),
    result: typed<VideoResult>(),
  });
}
