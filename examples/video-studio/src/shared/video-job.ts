import { defineJob, type JobDefinition, typed } from "@emlinh/progress-client";
import type { Language } from "../pipeline/language.js";
import { VIDEO_PLAN, type VideoStepId } from "../pipeline/plan.js";

/** What is known of a video while it is made: what was asked for, then what the worker finds out. */
export interface VideoMetadata {
  readonly topic: string;
  /** Wanted length, in seconds. */
  readonly duration: number;
  readonly composition: string;
  readonly background: string;
  /** As asked for; a text in another language is spoken by that language's own. */
  readonly voice: string;
  /** Of the video, and so of all that is told about it. */
  readonly language: Language;
  /** Waiting jobs up to this one: 1 is next. 0 once it runs. */
  readonly queuePosition?: number;
  /** The newest preview frame, another address for each. Gone with the job's end. */
  readonly previewUrl?: string;
  readonly title?: string;
  /** The titles of the scenes, in order. */
  readonly scenes?: readonly string[];
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
  readonly step: VideoStepId;
  readonly metadata: VideoMetadata;
  readonly result: VideoResult;
}

/** What server and page agree on. */
export const videoJob: JobDefinition<VideoJob> = videoJobIn("en");

/** The same with the titles of its steps in the language of the video. */
export function videoJobIn(language: Language): JobDefinition<VideoJob> {
  return defineJob({
    kind: "video",
    plan: VIDEO_PLAN.map(({ id, title, weight }) => ({ id, title: title[language], weight })),
    metadata: typed<VideoMetadata>(),
    result: typed<VideoResult>(),
  });
}
