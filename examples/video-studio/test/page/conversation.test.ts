import type { ConnectionState } from "@emlinh/progress-client";
import { ProgressError } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { secondsUntil, worstProblem } from "../../src/page/connection-view.js";
import { linksIn, withLinks } from "../../src/page/job-links.js";
import { pageTitle } from "../../src/page/page-title.js";
import { TEXTS } from "../../src/page/texts/texts.js";
import { inputOf } from "../../src/page/video-input.js";
import { video } from "./videos.js";

function connection(given: Partial<ConnectionState>): ConnectionState {
  return { status: "live", attempt: 0, transport: "stream", ...given };
}

describe("the worst problem of the connections", () => {
  test("given live, first, paused and closed connections, is none", () => {
    const statuses = ["live", "connecting", "idle", "paused", "closed"] as const;
    expect(worstProblem(statuses.map((status) => connection({ status })))).toBeUndefined();
    expect(worstProblem([])).toBeUndefined();
  });

  test("given a try after a failure, is retrying; given the wait for it, has the time of the next try", () => {
    expect(worstProblem([connection({ status: "connecting", attempt: 1 })])).toEqual({
      kind: "retrying",
    });
    expect(worstProblem([connection({ status: "waiting", attempt: 1, retryAt: 5000 })])).toEqual({
      kind: "waiting",
      retryAt: 5000,
    });
  });

  test("given several problems, is the worst one: offline before all others", () => {
    const polling = connection({ status: "polling", transport: "poll" });
    const waiting = connection({ status: "waiting", retryAt: 5000 });
    const offline = connection({ status: "offline" });
    expect(worstProblem([polling, waiting])?.kind).toBe("waiting");
    expect(worstProblem([polling, waiting, offline])?.kind).toBe("offline");
  });

  test("given a refusal, is none, because the job's card shows it", () => {
    const error = new ProgressError("forbidden", { message: "No." });
    expect(worstProblem([connection({ status: "closed", error })])).toBeUndefined();
  });

  test("given a countdown, ends at one second, never at zero or below", () => {
    expect(secondsUntil(5000, 1000)).toBe(4);
    expect(secondsUntil(5000, 1001)).toBe(4);
    expect(secondsUntil(5000, 4999)).toBe(1);
    expect(secondsUntil(5000, 9000)).toBe(1);
  });
});

describe("the links in an address", () => {
  const job = (id: string) => ({ kind: "job", id }) as const;

  test("given an address, are read in order, without duplicates and invalid ids", () => {
    const links = linksIn("?job=a&x=1&batch=s.b&job=b&job=a&batch=a&job=%3Cscript%3E&job=");
    expect(links).toEqual([
      job("a"),
      { kind: "batch", id: "s.b" },
      job("b"),
      { kind: "batch", id: "a" },
    ]);
  });

  test("given new links, replace the old ones and leave the rest of the address unchanged", () => {
    const address = withLinks("https://example.org/chat?job=old&theme=dark&batch=old#top", [
      job("a"),
      { kind: "batch", id: "s.b-1" },
    ]);
    expect(address).toBe("https://example.org/chat?theme=dark&job=a&batch=s.b-1#top");
  });

  test("given more than twelve links, are the newest twelve", () => {
    const links = Array.from({ length: 30 }, (_, index) => job(`job-${index}`));
    const address = withLinks("https://example.org/", links);
    expect(linksIn(new URL(address).search)).toEqual(links.slice(-12));
    const all = `?${links.map(({ id }) => `job=${id}`).join("&")}`;
    expect(linksIn(all)).toEqual(links.slice(-12));
  });
});

describe("the title of the page", () => {
  const CURRENT = { kind: "current" } as const;
  const running = { phase: "running", news: CURRENT, video: video({ percent: 42.9 }) } as const;
  const queued = { phase: "queued", news: CURRENT, video: video({ status: "queued" }) } as const;
  const done = {
    phase: "completed",
    news: CURRENT,
    video: video({ status: "completed", percent: 100 }),
  } as const;

  test("given a running and a waiting job, shows the percent of the running one", () => {
    expect(pageTitle([done, running, queued], false, TEXTS.vi)).toBe("42% · Em Linh");
    expect(pageTitle([done, queued], false, TEXTS.vi)).toBe(TEXTS.vi.titleQueued);
  });

  test("given a job without a connection, shows no percent, because it may be out of date", () => {
    const unseen = { ...running, news: { kind: "unseen" } } as const;
    expect(pageTitle([done, unseen], false, TEXTS.vi)).toBe(TEXTS.vi.titleUnseen);
  });

  test("given an end that the user has not seen, shows it", () => {
    expect(pageTitle([done], true, TEXTS.vi)).toBe(TEXTS.vi.titleDone);
    expect(pageTitle([done], false, TEXTS.vi)).toBe(TEXTS.vi.pageTitle);
  });
});

test("given a job, its input is read from the metadata, and is undefined if a part is missing", () => {
  const input = inputOf(video());
  expect(input).toEqual({
    topic: "Sky",
    duration: 20,
    composition: "presenter",
    background: "violet",
    voice: "vi+f3",
  });
  expect(inputOf(video({ metadata: { topic: "Sky" } }))).toBeUndefined();
  expect(inputOf(undefined)).toBeUndefined();
});
