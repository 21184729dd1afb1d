import { describe, expect, test } from "vitest";
import {
  explain,
  isLive,
  phaseOf,
  progressOf,
  remedyOf,
  stepsOf,
  toneOf,
} from "../../src/page/job-view.js";
import { TEXTS } from "../../src/page/texts/texts.js";
import { BEGAN, video } from "./videos.js";

const texts = TEXTS.en;

describe("the phase of a job", () => {
  test.each([
    ["joining", undefined, false],
    ["gone", undefined, true],
    ["queued", video({ status: "queued", startedAt: null }), false],
    ["running", video(), false],
    ["stale", video({ stale: true }), false],
    ["cancelling", video({ cancelRequested: true }), false],
    ["cancelling", video({ cancelRequested: true, stale: true }), false],
    ["lost", video({ status: "lost", stale: true }), false],
    ["timed-out", video({ status: "timed-out" }), false],
    ["cancelled", video({ status: "cancelled", cancelRequested: true }), false],
    ["gone", video(), true],
    ["completed", video({ status: "completed" }), true],
  ] as const)("given its state, is %s", (phase, job, gone) => {
    expect(phaseOf(job, gone)).toBe(phase);
  });

  test("given an end, is not live; given a stale worker, is live", () => {
    expect(isLive("stale")).toBe(true);
    expect(isLive("cancelling")).toBe(true);
    for (const phase of ["completed", "failed", "cancelled", "lost", "timed-out", "gone"] as const)
      expect(isLive(phase)).toBe(false);
  });

  test("given an unwanted end, has the bad tone; given a cancel, has a neutral one", () => {
    expect(toneOf("lost")).toBe("bad");
    expect(toneOf("timed-out")).toBe("bad");
    expect(toneOf("cancelled")).toBe("neutral");
    expect(toneOf("completed")).toBe("good");
  });
});

describe("the sentence under the headline", () => {
  test("given a queued job, shows its position, and whether it is next", () => {
    const at = (queuePosition: number) => {
      const { metadata } = video();
      return explain("queued", video({ metadata: { ...metadata, queuePosition } }), texts);
    };
    expect(at(1)).toBe("You're next in line");
    expect(at(3)).toBe("You're number 3 in line");
    expect(at(0)).toBe("");
  });

  test("given a known error code, shows its text in the user's language, not the server's message", () => {
    const failed = video({
      status: "failed",
      error: { code: "ffmpeg-failed", message: "The encoder stopped." },
    });
    expect(explain("failed", failed, TEXTS.vi)).toBe(TEXTS.vi.errors["ffmpeg-failed"]);
  });

  test("given an unknown error code, shows its message, or a general sentence without one", () => {
    const unknown = video({ status: "failed", error: { code: "new", message: "Out of disk." } });
    expect(explain("failed", unknown, texts)).toBe("Out of disk.");
    expect(explain("failed", video({ status: "failed" }), texts)).toBe(texts.errorUnknown);
  });

  test.each([
    ["lost", "worker-died"],
    ["lost", "worker-silent"],
    ["lost", "server-stopped"],
    ["lost", "job-lost"],
    ["timed-out", "job-timed-out"],
    ["failed", "job-failed"],
  ] as const)("given a %s job, shows the cause that its code %s names", (status, code) => {
    const error = { code, message: "The worker stopped reporting." };
    const ended = video({ status, finishedAt: BEGAN, error });
    for (const language of ["en", "vi"] as const)
      expect(explain(status, ended, TEXTS[language])).toBe(TEXTS[language].errors[code]);
  });

  test("given causes of a lost job, shows a different sentence for each", () => {
    const codes = ["worker-died", "worker-silent", "server-stopped", "job-lost"] as const;
    for (const { errors } of Object.values(TEXTS))
      expect(new Set(codes.map((code) => errors[code])).size).toBe(codes.length);
  });

  test("given a remedy that only the server knows, shows the server's words", () => {
    const message = "The server has no ffmpeg. Install it.";
    const failed = video({
      status: "failed",
      finishedAt: BEGAN,
      error: { code: "ffmpeg-missing", message },
    });
    expect(explain("failed", failed, TEXTS.en)).toBe(message);
    expect(explain("failed", failed, TEXTS.vi)).toBe(message);
  });

  test("given a job that the server no longer knows, differs from the text for a wrong link", () => {
    expect(explain("gone", video(), texts)).toBe(texts.forgotten);
    expect(explain("gone", undefined, texts)).toBe(texts.explanation.gone);
  });

  test("given two running steps, names both", () => {
    const running = { status: "running", percent: 1 } as const;
    const both = video({ steps: { render: running, encode: running } });
    expect(explain("running", both, texts)).toBe("Draw the frames · Encode the video");
  });

  test("given a finished video, shows its length, its size and the time that it took", () => {
    const done = video({
      status: "completed",
      finishedAt: BEGAN + 6240,
      result: {
        videoUrl: "/v",
        posterUrl: "/p",
        durationMs: 9960,
        width: 1280,
        height: 720,
        frames: 249,
        bytes: 1_234_567,
        title: "Sky",
      },
    });
    expect(explain("completed", done, texts)).toBe("0:09 long · 1.2 MB · Made in 6.2 s");
  });
});

describe("the remedy", () => {
  const ended = (status: "failed" | "lost" | "timed-out", code: string) =>
    video({ status, finishedAt: BEGAN, error: { code, message: "No." } });

  test.each([
    ["lost", "worker-died", "again"],
    ["lost", "server-stopped", "again"],
    ["failed", "ffmpeg-failed", "again"],
    ["failed", "internal", "again"],
    ["failed", "speech-failed", "edit"],
    ["failed", "unknown-voice", "edit"],
    ["timed-out", "job-timed-out", "edit"],
    ["failed", "ffmpeg-missing", "none"],
  ] as const)("given a %s job with the code %s, is %s", (status, code, remedy) => {
    expect(remedyOf(status, ended(status, code))).toBe(remedy);
  });

  test("given a cancelled job, is another try; given a live, finished or unknown one, is none", () => {
    expect(remedyOf("cancelled", video({ status: "cancelled", finishedAt: BEGAN }))).toBe("again");
    expect(remedyOf("gone", video())).toBe("again");
    expect(remedyOf("running", video())).toBe("none");
    expect(remedyOf("completed", video({ status: "completed", finishedAt: BEGAN }))).toBe("none");
    expect(remedyOf("gone", undefined)).toBe("none");
  });
});

describe("the texts beside the bar", () => {
  test("given a queued job, show no percent", () => {
    const queued = video({ status: "queued", percent: 0 });
    expect(progressOf(queued, "queued", texts)).toEqual({ percent: null, text: "", remaining: "" });
  });

  test("given a running job, show the percent, rounded down, and the remaining time", () => {
    const running = video({ percent: 42.9, etaMs: 11_400 });
    expect(progressOf(running, "running", texts)).toEqual({
      percent: 42.9,
      text: "42%",
      remaining: "about 12 s left",
    });
  });

  test("given a stale or cancelling job, show no remaining time", () => {
    const running = video({ percent: 42.9, etaMs: 11_400 });
    expect(progressOf(running, "stale", texts).remaining).toBe("");
    expect(progressOf(running, "cancelling", texts).remaining).toBe("");
  });
});

describe("the steps", () => {
  test("given an unknown job, are those of the usual plan, all waiting", () => {
    const steps = stepsOf(undefined, "joining", texts);
    expect(steps.map(({ id }) => id)).toEqual([
      "script",
      "speech",
      "mouth",
      "render",
      "encode",
      "finish",
    ]);
    expect(new Set(steps.map(({ status }) => status))).toEqual(new Set(["waiting"]));
  });

  test("given a running step, shows its count; given a completed one, its actual duration", () => {
    const counted = { percent: 48, done: 120, total: 249, unit: "frames" } as const;
    const [during] = stepsOf(
      video({ steps: { script: { status: "running", ...counted, startedAt: BEGAN } } }),
      "running",
      texts,
    );
    expect(during).toMatchObject({ status: "running", detail: "120/249 frames" });
    const [after] = stepsOf(
      video({
        steps: {
          script: { status: "completed", ...counted, startedAt: BEGAN, finishedAt: BEGAN + 912 },
        },
      }),
      "running",
      texts,
    );
    expect(after).toMatchObject({ status: "completed", detail: "0.9 s" });
  });

  test.each(["cancelled", "lost", "timed-out"] as const)(
    "given a %s job, shows the step that its end closed as stopped, not as failed",
    (status) => {
      const ended = video({
        status,
        finishedAt: BEGAN + 5_000,
        steps: {
          speech: { status: "completed", percent: 100, startedAt: BEGAN, finishedAt: BEGAN + 900 },
          render: {
            status: "failed",
            percent: 40,
            done: 100,
            total: 250,
            finishedAt: BEGAN + 5_000,
          },
        },
      });
      const steps = stepsOf(ended, phaseOf(ended, false), texts);
      expect(steps.map((step) => step.status)).toEqual([
        "waiting",
        "completed",
        "waiting",
        "stopped",
        "waiting",
        "waiting",
      ]);
      expect(steps[3]?.detail).toBe("100/250");
    },
  );

  test("given a failed job, shows the step that its error names as failed, and others as stopped", () => {
    const failed = video({
      status: "failed",
      error: { code: "internal", message: "No.", step: "render" },
      steps: {
        render: { status: "failed", percent: 40 },
        encode: { status: "failed", percent: 30 },
      },
    });
    const [, , , render, encode] = stepsOf(failed, "failed", texts);
    expect(render).toMatchObject({ id: "render", status: "failed" });
    expect(encode).toMatchObject({ id: "encode", status: "stopped" });
  });

  test("given a failed job whose error names no step, shows no step as failed", () => {
    const failed = video({
      status: "failed",
      error: { code: "ffmpeg-missing", message: "Install ffmpeg." },
      steps: { script: { status: "failed", percent: 0 } },
    });
    const statuses = stepsOf(failed, "failed", texts).map(({ status }) => status);
    expect(statuses).not.toContain("failed");
  });

  test("given a job that waits for its next attempt, shows the failed step as failed", () => {
    const queued = video({
      status: "queued",
      steps: { render: { status: "failed", percent: 40 } },
    });
    const [, , , render] = stepsOf(queued, "queued", texts);
    expect(render).toMatchObject({ id: "render", status: "failed" });
  });

  test("given a job that is lost or gone, shows a step that still runs as stopped", () => {
    const running = video({ steps: { render: { status: "running", percent: 40 } } });
    const render = (phase: "lost" | "gone" | "stale") =>
      stepsOf(running, phase, texts).find(({ id }) => id === "render")?.status;
    expect([render("lost"), render("gone"), render("stale")]).toEqual([
      "stopped",
      "stopped",
      "running",
    ]);
  });

  test("given a step that the page does not know, shows the title of the plan", () => {
    const strange = JSON.parse(JSON.stringify(video())) as ReturnType<typeof video>;
    const plan = [{ id: "dub", title: "Dub it", weight: 1 }] as unknown as typeof strange.plan;
    expect(stepsOf({ ...strange, plan }, "running", texts)).toMatchObject([
      { id: "dub", title: "Dub it" },
    ]);
  });
});
