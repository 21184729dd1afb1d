import { cardView } from "./card-view.js";
import { clockText, whenText } from "./format.js";
import { isLive, type Tone } from "./job-view.js";
import type { Texts } from "./texts/texts.js";
import type { WatchedVideo } from "./watched-video.js";

/** The texts and the look of one video in a list. */
export interface RowView {
  readonly title: string;
  /** One line: progress, position in the queue, length and time, or the kind of end. */
  readonly state: string;
  readonly tone: Tone;
  /** 0..100 while the video is made, otherwise `null`. */
  readonly percent: number | null;
  /** The poster or the newest preview. `undefined` if there is neither. */
  readonly picture: string | undefined;
  readonly action: "cancel" | "delete" | "none";
}

/** The view of a listed video. @param now - Milliseconds since the epoch. */
export function rowView(watched: WatchedVideo, now: number, texts: Texts): RowView {
  const { video, phase } = watched;
  const { tone, percent } = cardView(watched, texts);
  return {
    title: titleOf(watched),
    state: stateOf(watched, now, texts),
    tone,
    percent: isLive(phase) ? percent : null,
    picture: video?.result?.posterUrl ?? video?.metadata.previewUrl,
    action: !isLive(phase) ? "delete" : phase === "cancelling" ? "none" : "cancel",
  };
}

/** The title of a video, else its topic. */
export function titleOf({ video }: Pick<WatchedVideo, "video">): string {
  return video?.result?.title ?? video?.metadata.title ?? video?.metadata.topic ?? "";
}

function stateOf(watched: WatchedVideo, now: number, texts: Texts): string {
  const { phase, video, news } = watched;
  const { headline, explanation, percentText, remaining } = cardView(watched, texts);
  if (video?.result) {
    const length = clockText(video.result.durationMs);
    return `${length} · ${whenText(video.finishedAt ?? now, now, texts)}`;
  }
  if (news.kind !== "current") return explanation || headline;
  if (phase === "queued") return explanation || headline;
  if (phase === "running") return [percentText, remaining].filter(Boolean).join(" · ");
  return headline;
}
