import type { ConnectionState } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { cardView } from "../../src/page/card-view.js";
import { phaseOf, type Video } from "../../src/page/job-view.js";
import { createLink, type Link, newsOf } from "../../src/page/news.js";
import { TEXTS } from "../../src/page/texts/texts.js";
import { BEGAN, video } from "./videos.js";

const RUNNING = { percent: 26.4, etaMs: 17_000 } as const;

/** The news of a job some time after its last change. */
function newsAfter(ms: number, job: Video | undefined, link: Link = "up") {
  return newsOf({ phase: phaseOf(job, false), video: job, link, now: BEGAN + ms });
}

/** The view of a job some time after its last change. */
function viewAfter(ms: number, job: Video, link: Link = "up") {
  const phase = phaseOf(job, false);
  return cardView({ phase, video: job, news: newsAfter(ms, job, link) }, TEXTS.en);
}

describe("the news of a job", () => {
  test("given a job that is worked on, are quiet after ten seconds without a change", () => {
    for (const job of [video(), video({ stale: true }), video({ cancelRequested: true })]) {
      expect(newsAfter(9_999, job)).toEqual({ kind: "current" });
      expect(newsAfter(10_000, job)).toEqual({ kind: "quiet", silentMs: 10_000 });
    }
  });

  test("given a job that waits or has ended, are never quiet", () => {
    const ended = { finishedAt: BEGAN, error: { code: "internal", message: "No." } } as const;
    for (const job of [video({ status: "queued" }), video({ status: "failed", ...ended })])
      expect(newsAfter(60_000, job)).toEqual({ kind: "current" });
    expect(newsAfter(60_000, undefined)).toEqual({ kind: "current" });
  });

  test("given no connection, are unseen, whatever the job did last", () => {
    for (const job of [video(), video({ status: "queued" }), video({ stale: true }), undefined])
      for (const ms of [0, 60_000]) expect(newsAfter(ms, job, "down")).toEqual({ kind: "unseen" });
  });

  test("given a page that was paused, are not called quiet before it is connected again", () => {
    expect(newsAfter(300_000, video(), "pending")).toEqual({ kind: "current" });
  });

  test("given an ended job, are current without a connection", () => {
    const done = video({ status: "completed", finishedAt: BEGAN });
    expect(newsAfter(60_000, done, "down")).toEqual({ kind: "current" });
  });

  test("given a server whose clock is behind, are current", () => {
    expect(newsAfter(-3_600_000, video())).toEqual({ kind: "current" });
  });
});

describe("the link of a connection", () => {
  function connection(given: Partial<ConnectionState>): ConnectionState {
    return { status: "live", attempt: 0, transport: "stream", ...given };
  }
  const waiting = connection({ status: "waiting", attempt: 1, retryAt: 5000 });
  const retrying = connection({ status: "connecting", attempt: 1 });

  test("given tries that fail, is down after a moment, and up again with the connection", () => {
    let now = 0;
    const linkOf = createLink(() => now);
    expect(linkOf(waiting)).toBe("pending");
    now = 1_400;
    expect(linkOf(retrying)).toBe("pending");
    now = 1_500;
    expect(linkOf(waiting)).toBe("down");
    expect(linkOf(connection({}))).toBe("up");
    expect(linkOf(waiting)).toBe("pending");
  });

  test.each([
    ["offline", "down"],
    ["suspect", "up"],
    ["polling", "up"],
    ["connecting", "pending"],
    ["paused", "pending"],
    ["idle", "pending"],
  ] as const)("given a connection that is %s for a minute, is %s", (status, link) => {
    let now = 0;
    const linkOf = createLink(() => now);
    linkOf(connection({ status }));
    now = 60_000;
    expect(linkOf(connection({ status }))).toBe(link);
  });
});

describe("the card of a job without news", () => {
  test("given no connection, says where the job was last seen, without an estimate", () => {
    expect(viewAfter(0, video(RUNNING), "down")).toMatchObject({
      headline: "We can't see your video right now",
      explanation: "Last seen at 26%",
      remaining: "",
      isBusy: false,
    });
    const queued = video({ status: "queued" });
    expect(viewAfter(0, queued, "down").explanation).toBe("Last seen in the queue");
  });

  test("given a silent job, counts the seconds without news, without an estimate", () => {
    expect(viewAfter(9_000, video(RUNNING)).remaining).toBe("about 17 s left");
    expect(viewAfter(15_400, video(RUNNING))).toMatchObject({
      headline: "Making your video",
      explanation: "No news for 15 s",
      remaining: "",
    });
    expect(viewAfter(75_000, video(RUNNING)).explanation).toBe("No news for 1 min 15 s");
  });

  test("given a job that may soon be ended for its silence, says so too", () => {
    const stale = video({ ...RUNNING, stale: true });
    expect(viewAfter(4_000, stale).explanation).toBe(TEXTS.en.explanation.stale);
    expect(viewAfter(12_000, stale).explanation).toBe(
      `No news for 12 s. ${TEXTS.en.explanation.stale}`,
    );
  });

  test("given news, is as before", () => {
    const later = video({ ...RUNNING, percent: 40, updatedAt: BEGAN + 15_000 });
    expect(viewAfter(15_400, later)).toMatchObject({
      tone: "working",
      headline: "Making your video",
      remaining: "about 17 s left",
      isBusy: true,
    });
  });
});
