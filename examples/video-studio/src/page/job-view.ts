import { isTerminal, type JobState, type StepState } from "@emlinh/progress-client";
import { VIDEO_PLAN, type VideoStepId } from "../pipeline/plan.js";
import type { VideoJob } from "../shared/video-job.js";
import {
  clockText,
  countText,
  durationText,
  percentText,
  remainingText,
  sizeText,
} from "./format.js";
import type { Phase, Texts } from "./texts/texts.js";

/** The state of a video's job. */
export type Video = JobState<VideoJob>;

/** The colour of a card. */
export type Tone = "waiting" | "working" | "good" | "bad" | "neutral";

/** One line of the list of steps. */
export interface StepView {
  readonly id: string;
  readonly title: string;
  /** `stopped`: it was running when the job was cancelled, lost or timed out. */
  readonly status: StepState["status"] | "waiting" | "stopped";
  /** The count while the step runs, and its actual duration afterwards. */
  readonly detail: string;
}

/** The phase of a job. `gone`: the server refused further data, and the last known state is not an end. */
export function phaseOf(video: Video | undefined, isGone: boolean): Phase {
  if (video !== undefined && isTerminal(video.status)) return video.status;
  if (isGone) return "gone";
  if (video === undefined) return "joining";
  if (video.cancelRequested) return "cancelling";
  if (video.status === "running" && video.stale) return "stale";
  return video.status;
}

/** The colour for a phase. */
export function toneOf(phase: Phase): Tone {
  if (phase === "completed") return "good";
  if (phase === "failed" || phase === "lost" || phase === "timed-out" || phase === "gone")
    return "bad";
  if (phase === "cancelled" || phase === "cancelling") return "neutral";
  return phase === "running" ? "working" : "waiting";
}

/** Whether a job with this phase may still change. */
export function isLive(phase: Phase): boolean {
  return phase !== "gone" && !isTerminal(phase);
}

/**
 * The sentence under the headline: the reason for the end, the position in the queue, or the running steps. May be
 * empty.
 */
export function explain(phase: Phase, video: Video | undefined, texts: Texts): string {
  if (phase === "failed" || phase === "lost" || phase === "timed-out")
    return reason(phase, video, texts);
  if (phase === "queued") {
    const position = video?.metadata.queuePosition ?? 0;
    if (position === 0) return "";
    return position === 1 ? texts.queueNext : texts.queuePosition(position);
  }
  if (phase === "running") {
    const running = stepsOf(video, phase, texts).filter(({ status }) => status === "running");
    return running.map(({ title }) => title).join(" · ");
  }
  if (phase === "gone" && video !== undefined) return texts.forgotten;
  if (phase === "completed") return facts(video, texts);
  return texts.explanation[phase] ?? "";
}

/** The length and size of a finished video, and the time that it took to make. */
function facts(video: Video | undefined, texts: Texts): string {
  const { result } = video ?? {};
  const tookMs = spanMs(video?.startedAt, video?.finishedAt);
  const parts = [
    result && texts.playsFor(clockText(result.durationMs)),
    result && sizeText(result.bytes, texts),
    tookMs === undefined ? undefined : texts.madeIn(durationText(tookMs, texts)),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** The reason for which a job ended without a video: by its code, else in the server's words. */
function reason(phase: Phase, video: Video | undefined, texts: Texts): string {
  const { code = "", message } = video?.error ?? {};
  const known: Readonly<Record<string, string>> = texts.errors;
  return known[code] ?? message ?? texts.explanation[phase] ?? texts.errorUnknown;
}

/** The user's next action after a job that made no video. */
export type Remedy = "again" | "edit" | "none";

/** The codes of failures that the same request would meet again. */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  "invalid-request": "edit",
  "unknown-voice": "edit",
  "speech-failed": "edit",
  "job-timed-out": "edit",
  // Only the operator can install it.
  "ffmpeg-missing": "none",
};

/** Whether another try may succeed, or only with a changed request, or not at all. */
export function remedyOf(phase: Phase, video: Video | undefined): Remedy {
  if (video === undefined || isLive(phase) || phase === "completed") return "none";
  return REMEDIES[video.error?.code ?? ""] ?? "again";
}

/** The texts beside the bar: the percent and the remaining time. */
export function progressOf(
  video: Video | undefined,
  phase: Phase,
  texts: Texts,
): { readonly percent: number | null; readonly text: string; readonly remaining: string } {
  const percent = phase === "joining" || phase === "queued" ? null : (video?.percent ?? null);
  const text = phase === "completed" ? "100%" : percent === null ? "" : percentText(percent);
  const remaining = phase === "running" ? remainingText(video?.etaMs ?? null, texts) : undefined;
  return { percent, text, remaining: remaining ?? "" };
}

/** The steps of the job's plan, in order and in the user's language. Before the plan is known, the usual steps. */
export function stepsOf(video: Video | undefined, phase: Phase, texts: Texts): readonly StepView[] {
  const titles: Readonly<Record<string, string>> = texts.steps;
  const plan: readonly { readonly id: VideoStepId; readonly title?: unknown }[] =
    video?.plan ?? VIDEO_PLAN;
  return plan.map(({ id, title }) => {
    const step: StepState | undefined = video?.steps[id];
    return {
      id,
      title: titles[id] ?? String(title),
      status: step === undefined ? "waiting" : stepStatus(step, phase, video?.error?.step === id),
      detail: step === undefined ? "" : stepDetail(step, texts),
    };
  });
}

/**
 * The end of a job closes the steps that are still running, as `failed` if the job is not completed (P47). Only the
 * step that the job's error names has failed by itself. The others are shown as stopped.
 */
function stepStatus({ status }: StepState, phase: Phase, isCause: boolean): StepView["status"] {
  if (status === "failed" && !isLive(phase) && !(phase === "failed" && isCause)) return "stopped";
  // The server no longer reports on this job, so it is not known whether the step still runs.
  if (status === "running" && !isLive(phase)) return "stopped";
  return status;
}

function stepDetail(step: StepState, texts: Texts): string {
  const tookMs = spanMs(step.startedAt, step.finishedAt);
  if (tookMs !== undefined && step.status === "completed") return durationText(tookMs, texts);
  return countText(step, texts) ?? (step.percent ? percentText(step.percent) : "");
}

function spanMs(
  from: number | null | undefined,
  to: number | null | undefined,
): number | undefined {
  return typeof from === "number" && typeof to === "number" ? Math.max(0, to - from) : undefined;
}
