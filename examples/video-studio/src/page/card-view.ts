import { percentText, wholeSecondsText } from "./format.js";
import { explain, isLive, progressOf, type Tone, toneOf, type Video } from "./job-view.js";
import type { News } from "./news.js";
import type { Phase, Texts } from "./texts/texts.js";

/** The state of a job as the page knows it. */
export interface CardFacts {
  readonly phase: Phase;
  readonly video: Video | undefined;
  readonly news: News;
}

/** The texts and the look of a card's head and bar. */
export interface CardView {
  readonly tone: Tone;
  readonly headline: string;
  /** May be empty. */
  readonly explanation: string;
  /** 0..100, or `null` if it is not known. */
  readonly percent: number | null;
  readonly percentText: string;
  /** The estimated time until the end. Empty without an estimate, and without news. */
  readonly remaining: string;
  /** Whether the page shows movement. */
  readonly isBusy: boolean;
}

/** The view of a card. Without news it claims nothing about the present. */
export function cardView({ phase, video, news }: CardFacts, texts: Texts): CardView {
  const { percent, text, remaining } = progressOf(video, phase, texts);
  const isCurrent = news.kind === "current";
  return {
    tone: isCurrent ? toneOf(phase) : "waiting",
    headline: news.kind === "unseen" ? texts.unseen : headlineOf(phase, video, texts),
    explanation: explanationOf({ phase, video, news }, texts),
    percent,
    percentText: text,
    remaining: isCurrent ? remaining : "",
    isBusy: isLive(phase) && news.kind !== "unseen",
  };
}

function explanationOf({ phase, video, news }: CardFacts, texts: Texts): string {
  const usual = explain(phase, video, texts);
  if (news.kind === "current") return usual;
  if (news.kind === "unseen") return lastSeen(phase, video, texts);
  const silence = texts.noNewsFor(wholeSecondsText(Math.floor(news.silentMs / 1000), texts));
  return phase === "stale" ? `${silence}. ${usual}` : silence;
}

function lastSeen(phase: Phase, video: Video | undefined, texts: Texts): string {
  if (phase === "queued") return texts.lastSeenQueued;
  const percent = video?.percent ?? null;
  return percent === null ? "" : texts.lastSeenAt(percentText(percent));
}

/** The title of a finished video, else the headline with the number of the attempt if there were several. */
function headlineOf(phase: Phase, video: Video | undefined, texts: Texts): string {
  if (video?.result) return video.result.title;
  const headline = texts.headline[phase];
  return video !== undefined && video.attempt > 1
    ? `${headline} · ${texts.attempt(video.attempt)}`
    : headline;
}
