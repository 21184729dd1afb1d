import type { VideoErrorCode } from "./errors.js";
import type { Language } from "./language.js";
import type { VideoStepId } from "./plan.js";
import type { VideoRequest } from "./request.js";

/** The finished video. */
export interface MadeVideo {
  /** Absolute path of the mp4. */
  readonly file: string;
  /** Absolute path of a JPEG of one good moment, of the video's size. */
  readonly poster: string;
  readonly durationMs: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly frames: number;
  readonly language: Language;
  readonly title: string;
}

/** What is counted while a step goes on. */
type ProgressUnit = "scenes" | "frames" | "files";

/** How far a step is. `done` never falls and never passes `total`. */
export interface StepProgress {
  readonly done: number;
  readonly total: number;
  readonly unit: ProgressUnit;
}

/** What is known about the video before it is made; each comes as soon as it is known, and may come again. */
interface VideoMeta {
  readonly title?: string;
  readonly language?: Language;
  /** The titles of the scenes, in order. */
  readonly scenes?: readonly string[];
  readonly voice?: string;
  readonly durationMs?: number;
  readonly frames?: number;
}

/** What the pipeline tells while it works, in order. */
export type VideoReport =
  | { readonly type: "step-started"; readonly step: VideoStepId }
  | { readonly type: "step-progress"; readonly step: VideoStepId; readonly progress: StepProgress }
  | { readonly type: "step-finished"; readonly step: VideoStepId; readonly durationMs: number }
  | { readonly type: "log"; readonly line: string }
  /** A frame lies in `file` as a JPEG. The same path each time, replaced whole: a reader never sees half of one. */
  | {
      readonly type: "preview";
      readonly file: string;
      readonly frame: number;
      readonly width: number;
      readonly height: number;
    }
  | { readonly type: "meta"; readonly meta: VideoMeta };

/** Takes each {@link VideoReport}. Must not throw. */
export type Report = (report: VideoReport) => void;

/** Parent to worker: exactly one, first. */
export interface WorkerStart {
  readonly type: "start";
  readonly request: VideoRequest;
  /** Absolute path of an existing directory that belongs to this job alone. */
  readonly outDir: string;
}

/** Worker to parent: reports, then exactly one of `done` and `failed`. */
export type WorkerMessage =
  | VideoReport
  | { readonly type: "done"; readonly result: MadeVideo }
  | {
      readonly type: "failed";
      readonly code: VideoErrorCode;
      readonly message: string;
      readonly details?: string | undefined;
    };
