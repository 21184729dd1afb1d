import type { ConnectionState } from "@emlinh/progress-client";
import { ProgressError } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { askedOf } from "../../src/page/asked.js";
import { gravest, secondsUntil } from "../../src/page/connection-view.js";
import { jobsIn, withJobs } from "../../src/page/job-links.js";
import { createOwnership } from "../../src/page/ownership.js";
import { pageTitle } from "../../src/page/page-title.js";
import { TEXTS } from "../../src/page/texts/texts.js";
import { video } from "./videos.js";

function connection(given: Partial<ConnectionState>): ConnectionState {
  return { status: "live", attempt: 0, transport: "stream", ...given };
}

describe("the trouble with the connection", () => {
  test("given live, first, paused and ended connections, there is none", () => {
    const statuses = ["live", "connecting", "idle", "paused", "closed"] as const;
    expect(gravest(statuses.map((status) => connection({ status })))).toBeUndefined();
    expect(gravest([])).toBeUndefined();
  });

  test("given a try after a failure, it is told; given its wait, when the next comes", () => {
    expect(gravest([connection({ status: "connecting", attempt: 1 })])).toEqual({
      kind: "retrying",
    });
    expect(gravest([connection({ status: "waiting", attempt: 1, retryAt: 5000 })])).toEqual({
      kind: "waiting",
      retryAt: 5000,
    });
  });

  test("given several, the gravest is told: no network before all else", () => {
    const polling = connection({ status: "polling", transport: "poll" });
    const waiting = connection({ status: "waiting", retryAt: 5000 });
    const offline = connection({ status: "offline" });
    expect(gravest([polling, waiting])?.kind).toBe("waiting");
    expect(gravest([polling, waiting, offline])?.kind).toBe("offline");
  });

  test("given a refusal, there is nothing to wait for: the job's card tells of it", () => {
    const error = new ProgressError("forbidden", { message: "No." });
    expect(gravest([connection({ status: "closed", error })])).toBeUndefined();
  });

  test("counts down to one, never to zero or below", () => {
    expect(secondsUntil(5000, 1000)).toBe(4);
    expect(secondsUntil(5000, 1001)).toBe(4);
    expect(secondsUntil(5000, 4999)).toBe(1);
    expect(secondsUntil(5000, 9000)).toBe(1);
  });
});

describe("the jobs of an address", () => {
  test("are read in order, each once, without what can't be an id", () => {
    expect(jobsIn("?job=a&x=1&job=b&job=a&job=%3Cscript%3E&job=")).toEqual(["a", "b"]);
  });

  test("replace those that were there, and leave the rest alone", () => {
    const address = withJobs("https://example.org/chat?job=old&theme=dark#top", ["a", "b-1"]);
    expect(address).toBe("https://example.org/chat?theme=dark&job=a&job=b-1#top");
  });

  test("are the newest twelve, whatever is asked", () => {
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

  test("outlives the page, and only for what was made here", () => {
    const kept = storage();
    createOwnership(kept).add("mine");
    const later = createOwnership(kept);
    expect([later.has("mine"), later.has("theirs")]).toEqual([true, false]);
  });

  test("given a storage with nonsense in it, begins anew", () => {
    for (const nonsense of ["{", "7", "null", '{"a":1}', "[1,2]"]) {
      const ownership = createOwnership({ getItem: () => nonsense, setItem: () => undefined });
      expect(ownership.has("mine")).toBe(false);
      ownership.add("mine");
      expect(ownership.has("mine")).toBe(true);
    }
  });

  test("given a storage that is full, holds as long as the page", () => {
    const full = () => {
      throw new Error("QuotaExceededError");
    };
    const ownership = createOwnership({ getItem: () => null, setItem: full });
    ownership.add("mine");
    expect(ownership.has("mine")).toBe(true);
  });

  test("keeps the newest two hundred", () => {
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

describe("the page's title", () => {
  const running = { phase: "running", video: video({ percent: 42.9 }) } as const;
  const queued = { phase: "queued", video: video({ status: "queued" }) } as const;
  const done = { phase: "completed", video: video({ status: "completed", percent: 100 }) } as const;

  test("tells the percent of what runs, before what waits", () => {
    expect(pageTitle([done, running, queued], false, TEXTS.vi)).toBe("42% · Em Linh");
    expect(pageTitle([done, queued], false, TEXTS.vi)).toBe(TEXTS.vi.titleQueued);
  });

  test("tells of the end until somebody looked", () => {
    expect(pageTitle([done], true, TEXTS.vi)).toBe(TEXTS.vi.titleDone);
    expect(pageTitle([done], false, TEXTS.vi)).toBe(TEXTS.vi.pageTitle);
  });
});

test("what was asked is read from the metadata, or not at all while some of it is missing", () => {
  const asked = askedOf(video());
  expect(asked).toEqual({
    topic: "Sky",
    duration: 20,
    composition: "presenter",
    background: "violet",
    voice: "vi+f3",
  });
  expect(askedOf(video({ metadata: { topic: "Sky" } }))).toBeUndefined();
  expect(askedOf(undefined)).toBeUndefined();
});
