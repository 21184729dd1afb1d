import { isTerminal } from "@emlinh/progress-client";
import type { CardView } from "./card-view.js";
import { percentText, remainingText } from "./format.js";
import type { Video } from "./job-view.js";
import type { Texts } from "./texts/texts.js";
import type { WatchedList } from "./watched-list.js";

/** The view of a batch's head and bar. Without news it claims nothing about the present. */
export function batchView(list: WatchedList, texts: Texts): CardView {
  const { total, finished, failed, percent } = list.summary;
  const isOver = total > 0 && finished + failed === total;
  if (list.isRefused) return withoutVideos(texts);
  const isCurrent = !list.isUnseen;
  const remaining = remainingText(batchEtaMs(list.videos.map(({ video }) => video)), texts);
  return {
    tone: isOver ? (failed === 0 ? "good" : "bad") : isCurrent ? "working" : "waiting",
    headline: isOver || isCurrent ? headlineOf(list, isOver, texts) : texts.unseen,
    explanation: countsOf(list, texts),
    percent,
    percentText: isOver ? "" : percentText(percent),
    remaining: isCurrent ? (remaining ?? "") : "",
    isBusy: !isOver && isCurrent,
  };
}

function withoutVideos({ headline, explanation }: Texts): CardView {
  return {
    tone: "bad",
    headline: headline.gone,
    explanation: explanation.gone ?? "",
    percent: null,
    percentText: "",
    remaining: "",
    isBusy: false,
  };
}

function headlineOf({ summary, isLoaded }: WatchedList, isOver: boolean, texts: Texts): string {
  const { total, finished, failed } = summary;
  if (!isLoaded && total === 0) return texts.headline.joining;
  if (!isOver) return texts.batchMaking(total);
  return failed === 0 ? texts.batchReady(total) : texts.batchEnded(finished, total);
}

/** The numbers of finished and failed videos. */
function countsOf({ summary: { total, finished, failed } }: WatchedList, texts: Texts): string {
  if (total === 0) return "";
  const done = texts.batchDone(finished, total);
  return failed === 0 ? done : `${done} · ${texts.batchFailed(failed)}`;
}

/**
 * The estimated time until the last video of a batch is ready, in milliseconds. As many videos are made at the same
 * time as are running now: one in the studio, several on a cluster. `null` while one of them has no estimate.
 */
export function batchEtaMs(videos: readonly (Video | undefined)[]): number | null {
  const known = videos.filter((video) => video !== undefined);
  const active = known.filter(({ status }) => !isTerminal(status));
  const running = active.filter(({ status }) => status === "running").length;
  const usualMs = meanMs(known);
  let longest = 0;
  let sum = 0;
  for (const video of active) {
    const leftMs = video.status === "queued" ? (expectedMs(video) ?? usualMs) : video.etaMs;
    if (leftMs === null) return null;
    longest = Math.max(longest, leftMs);
    sum += leftMs;
  }
  return active.length === 0 ? null : Math.max(longest, sum / Math.max(1, running));
}

/** The time that a video which has not begun takes, from earlier videos. `null` if there were none. */
function expectedMs({ plan }: Video): number | null {
  let [knownMs, knownWeight, weights] = [0, 0, 0];
  for (const { weight, expectedMs } of plan) {
    weights += weight;
    if (expectedMs === undefined) continue;
    knownMs += expectedMs;
    knownWeight += weight;
  }
  return knownWeight === 0 ? null : (knownMs * weights) / knownWeight;
}

/** The mean time that the finished videos of the batch took. `null` if none is finished. */
function meanMs(videos: readonly Video[]): number | null {
  const times = videos
    .filter(({ status }) => status === "completed")
    .map(({ startedAt, finishedAt }) => (finishedAt ?? 0) - (startedAt ?? 0));
  return times.length === 0 ? null : times.reduce((sum, ms) => sum + ms, 0) / times.length;
}
