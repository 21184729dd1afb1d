import type { ConnectionState } from "@emlinh/progress-client";
import { ProgressError } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { secondsUntil, worstProblem } from "../../src/page/connection-view.js";
import { jobsIn, withJobs } from "../../src/page/job-links.js";
import { createOwnership } from "../../src/page/ownership.js";
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

describe("the jobs in an address", () => {
  test("given an address, are read in order, without duplicates and invalid ids", () => {
    expect(jobsIn("?job=a&x=1&job=b&job=a&job=%3Cscript%3E&job=")).toEqual(["a", "b"]);
  });

  test("given new jobs, replace the old ones and leave the rest of the address unchanged", () => {
    const address = withJobs("https://example.org/chat?job=old&theme=dark#top", ["a", "b-1"]);
    expect(address).toBe("https://example.org/chat?theme=dark&job=a&job=b-1#top");
  });

  test("given more than twelve jobs, are the newest twelve", () => {
    const ids = Array.from({ length: 30 }, (_, index) => `job-${index}`);
    const address = withJobs("https://example.org/", ids);
    expect(jobsIn(new URL(address).search)).toEqual(ids.slice(-12));
    expect(jobsIn(`?${ids.map((id) => `job=${id}`).join("&")}`)).toEqual(ids.slice(-12));
  });
});

describe("ownership", () => {
  function storage(): Pick<Storage, "getItem" | "setItem"> & {
    readonly kept: Map<string, string>;
  } {
    const kept = new Map<string, string>();
    return {
      kept,
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
    };
  }

  test("given a reload, has the videos that were created here and no others", () => {
    const kept = storage();
    createOwnership(kept).add("mine");
    const later = createOwnership(kept);
    expect([later.has("mine"), later.has("theirs")]).toEqual([true, false]);
  });

  test("given two tabs that add videos in turn, keeps those of both", () => {
    const kept = storage();
    const [one, other] = [createOwnership(kept), createOwnership(kept)];
    one.add("a");
    other.add("b");
    one.add("c");
    one.end("a");
    const later = createOwnership(kept);
    expect(later.split(["a", "b", "c"]).recent).toEqual(["a", "b", "c"]);
    expect(kept.kept.size).toBe(1);
  });

  test("given many videos, a new tab shows those that run and the five newest of the others", () => {
    const kept = storage();
    const ownership = createOwnership(kept);
    const ids = Array.from({ length: 9 }, (_, n) => `job-${n}`);
    for (const id of ids) ownership.add(id);
    for (const id of ids.filter((id) => id !== "job-1" && id !== "job-8")) ownership.end(id);
    expect(createOwnership(kept).split(["theirs", ...ids])).toEqual({
      recent: ["job-1", "job-3", "job-4", "job-5", "job-6", "job-7", "job-8"],
      earlier: ["job-0", "job-2"],
    });
  });

  test("given invalid data in the storage, starts empty", () => {
    for (const invalid of ["{", "7", "null", '{"a":1}', "[1,2]", '[["a",1]]']) {
      const ownership = createOwnership({ getItem: () => invalid, setItem: () => undefined });
      expect(ownership.has("mine")).toBe(false);
      ownership.add("mine");
      expect(ownership.has("mine")).toBe(true);
    }
  });

  test("given a storage that is full, lasts until the page is closed", () => {
    const full = () => {
      throw new Error("QuotaExceededError");
    };
    const ownership = createOwnership({ getItem: () => null, setItem: full });
    ownership.add("mine");
    expect(ownership.has("mine")).toBe(true);
  });

  test("given more than two hundred videos, keeps the newest two hundred", () => {
    const kept = storage();
    const ownership = createOwnership(kept);
    for (let n = 0; n < 250; n += 1) ownership.add(`job-${n}`);
    const later = createOwnership(kept);
    expect([later.has("job-49"), later.has("job-50"), later.has("job-249")]).toEqual([
      false,
      true,
      true,
    ]);
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
