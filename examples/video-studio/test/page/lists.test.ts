import { type ConnectionState, summaryOf } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { batchEtaMs, batchView } from "../../src/page/batch-view.js";
import { whenText } from "../../src/page/format.js";
import { phaseOf, type Video } from "../../src/page/job-view.js";
import { removedJobs } from "../../src/page/removed-jobs.js";
import { rowView } from "../../src/page/row-view.js";
import { TEXTS } from "../../src/page/texts/texts.js";
import type { WatchedList } from "../../src/page/watched-list.js";
import type { WatchedVideo } from "../../src/page/watched-video.js";
import { BEGAN, video } from "./videos.js";

const { en } = TEXTS;
const connection: ConnectionState = { status: "live", attempt: 0, transport: "stream" };

function watched(state: Video, kind: "current" | "unseen" = "current"): WatchedVideo {
  return { video: state, phase: phaseOf(state, false), news: { kind }, connection };
}

function list(videos: readonly Video[], given: Partial<WatchedList> = {}): WatchedList {
  return {
    videos: videos.map((state) => watched(state)),
    summary: summaryOf(videos),
    ...{ isLoaded: true, hasMore: false, isUnseen: false, isRefused: false, connection },
    ...given,
  };
}

const result = {
  ...{ videoUrl: "/v", posterUrl: "/poster", durationMs: 12_300, title: "The sky" },
  ...{ width: 1280, height: 720, frames: 300, bytes: 1_000_000 },
};
const done = video({ status: "completed", percent: 100, result, finishedAt: BEGAN });
const running = video({ percent: 42.9, etaMs: 38_000, metadata: { previewUrl: "/preview?f=7" } });
const queued = video({ status: "queued", percent: null, metadata: { queuePosition: 2 } });
const failed = video({ status: "failed" });

describe("a row", () => {
  test("given a running video, has its percent, remaining time and newest preview", () => {
    expect(rowView(watched(running), BEGAN, en)).toMatchObject({
      state: "42% · about 40 s left",
      ...{ tone: "working", percent: 42.9, picture: "/preview?f=7", action: "cancel" },
    });
  });

  test("given a waiting video, has its position and no bar", () => {
    expect(rowView(watched(queued), BEGAN, en)).toMatchObject({
      state: "You're number 2 in line",
      ...{ percent: null, picture: undefined, action: "cancel" },
    });
  });

  test("given a finished video, has its title, length, time and poster", () => {
    const view = rowView(watched(done), BEGAN, en);
    expect(view).toMatchObject({ title: "The sky", picture: "/poster", action: "delete" });
    expect(view.state).toMatch(/^0:12 · \d+:\d\d/u);
    expect(view.percent).toBeNull();
  });

  test("given a video that was not made, says so, and can be deleted", () => {
    expect(rowView(watched(failed), BEGAN, en)).toMatchObject({
      ...{ state: en.headline.failed, tone: "bad", action: "delete", title: "Sky" },
    });
  });

  test("given a cancel under way, has no button; given no connection, claims nothing", () => {
    const cancelling = video({ cancelRequested: true });
    expect(rowView(watched(cancelling), BEGAN, en).action).toBe("none");
    expect(rowView(watched(running, "unseen"), BEGAN, en)).toMatchObject({
      ...{ state: "Last seen at 42%", tone: "waiting" },
    });
  });

  test("given a time of today, shows the hour only; given an earlier one, the date too", () => {
    expect(whenText(BEGAN, BEGAN + 1, en)).not.toContain("/");
    expect(whenText(BEGAN, BEGAN + 48 * 3_600_000, en)).toContain("/");
  });
});

describe("the estimate of a batch", () => {
  const running = (etaMs: number | null) => video({ etaMs });
  /** A waiting video, with the usual times of its steps if they are known. */
  const waiting = (expectedMs?: number) =>
    video({
      status: "queued",
      plan: [
        { id: "script", title: "Script", weight: 20, ...(expectedMs && { expectedMs }) },
        { id: "render", title: "Render", weight: 80 },
      ],
    });
  const took = (ms: number) => video({ status: "completed", finishedAt: BEGAN + ms });

  test("given one video at a time, is the sum; given two at a time, half of it", () => {
    expect(batchEtaMs([running(4_000), waiting(2_000), waiting(2_000), done])).toBe(24_000);
    expect(batchEtaMs([running(4_000), running(6_000), waiting(2_000)])).toBe(10_000);
  });

  test("given no earlier videos, the waiting ones take as long as the finished ones of the batch", () => {
    expect(batchEtaMs([took(8_000), took(12_000), running(4_000), waiting()])).toBe(14_000);
  });

  test("given one video that takes longer than the others, is not less than its own", () => {
    expect(batchEtaMs([running(30_000), running(1_000)])).toBe(30_000);
  });

  test("given a video without an estimate, or no open video, is unknown", () => {
    expect(batchEtaMs([running(4_000), waiting()])).toBeNull();
    expect(batchEtaMs([running(null), waiting(1_000)])).toBeNull();
    expect(batchEtaMs([done, failed])).toBeNull();
  });
});

describe("the bar of a batch", () => {
  test("given finished, failed and open videos, counts them", () => {
    const view = batchView(list([done, failed, running, queued]), en);
    expect(view).toMatchObject({
      ...{ headline: "Making your 4 videos", explanation: "1 of 4 done · 1 not made" },
      ...{ tone: "working", percentText: "60%", isBusy: true },
    });
  });

  test("given only ends, says how many are ready", () => {
    expect(batchView(list([done, done]), en)).toMatchObject({
      ...{ headline: "Your 2 videos are ready", tone: "good", percent: 100, percentText: "" },
    });
    expect(batchView(list([done, failed]), en)).toMatchObject({
      ...{ headline: "1 of 2 videos ready", tone: "bad", explanation: "1 of 2 done · 1 not made" },
    });
  });

  test("given no connection, claims nothing; given a refusal, has no videos", () => {
    const view = batchView(list([done, running], { isUnseen: true }), en);
    expect(view).toMatchObject({ headline: en.unseen, tone: "waiting", remaining: "" });
    const refused = batchView(list([], { isRefused: true, isLoaded: false }), en);
    expect(refused).toMatchObject({ headline: en.headline.gone, isBusy: false });
  });
});

describe("the jobs that were removed from a list", () => {
  test("given a whole list, are all that are missing", () => {
    expect(removedJobs(["c", "b", "a"], ["d", "b"], false)).toEqual(["c", "a"]);
    expect(removedJobs(["a"], [], false)).toEqual(["a"]);
  });

  test("given a list that goes on, are not those that newer jobs have pushed out of it", () => {
    expect(removedJobs(["c", "b", "a"], ["d", "c", "b"], true)).toEqual([]);
    expect(removedJobs(["c", "b", "a"], ["c", "a"], true)).toEqual(["b"]);
    expect(removedJobs(["b", "a"], ["d", "c"], true)).toEqual([]);
  });
});
