import type { VideoErrorCode } from "./errors.js";
import type { Language } from "./language.js";
import type { VideoStepId } from "./plan.js";
import type { VideoRequest } from "./request.js";

/** A finished video, in the worker's files. */
export interface MadeVideo {
  /** Absolute path of the mp4. */
  readonly file: string;
  /** Absolute path of a JPEG of one frame, in the size of the video. */
  readonly poster: string;
  readonly durationMs: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly frames: number;
  readonly language: Language;
  readonly title: string;
}

/** The unit that a step counts. */
type ProgressUnit = "scenes" | "frames" | "files";

/** The progress of a step. `done` never falls and never exceeds `total`. */
export interface StepProgress {
  readonly done: number;
  readonly total: number;
  readonly unit: ProgressUnit;
}

/** Data about a video that is being made. Each is sent as soon as it is known, and may be sent again. */
interface VideoMeta {
  readonly title?: string;
  readonly language?: Language;
  /** The titles of the scenes, in order. */
  readonly scenes?: readonly string[];
  readonly voice?: string;
  readonly durationMs?: number;
  readonly frames?: number;
}

/** A report of the pipeline. Reports are sent in order. */
export type VideoReport =
  | { readonly type: "step-started"; readonly step: VideoStepId }
  | { readonly type: "step-progress"; readonly step: VideoStepId; readonly progress: StepProgress }
  | { readonly type: "step-finished"; readonly step: VideoStepId; readonly durationMs: number }
  | { readonly type: "log"; readonly line: string }
  /** A frame was written to `file` as a JPEG. The path is always the same, and the file is replaced atomically. */
  | {
      readonly type: "preview";
      readonly file: string;
      readonly frame: number;
      readonly width: number;
      readonly height: number;
    }
  | { readonly type: "meta"; readonly meta: VideoMeta };

/** Called with each {@link VideoReport}. Must not throw. */
export type Report = (report: VideoReport) => void;

/** The first and only message from the parent to the worker. */
export interface WorkerStart {
  readonly type: "start";
  readonly request: VideoRequest;
  /** Absolute path of an existing directory that only this job uses. */
  readonly outDir: string;
}

/** A message from the worker to the parent: reports, then exactly one of `done` and `failed`. */
export type WorkerMessage =
  | VideoReport
  | { readonly type: "done"; readonly result: MadeVideo }
  | {
      readonly type: "failed";
      readonly code: VideoErrorCode;
      readonly message: string;
      readonly details?: string | undefined;
    };
