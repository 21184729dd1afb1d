import { JobManager } from "@emlinh/progress-client";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildWorker } from "../pipeline/support.js";
import {
  createVideo,
  directoriesOf,
  ended,
  FAILING_WORKER,
  openStudio,
  postVideo,
  watchVideo,
  withEncoderName,
  withoutEncoder,
} from "./support.js";

const GOOD = {
  topic: "Green tea",
  duration: 10,
  composition: "presenter",
  background: "violet",
  voice: "en-us",
} as const;

let workerFile: URL;

beforeAll(async () => {
  workerFile = await buildWorker("server-create-test");
});

/** Bodies, and the field that is invalid: `undefined` for the body as a whole. */
const REFUSED: readonly (readonly [name: string, body: unknown, field: string | undefined])[] = [
  ["no body", "", "topic"],
  ["no JSON", "{topic", undefined],
  ["a string as JSON", '"topic"', undefined],
  ["a list", [GOOD], undefined],
  ["null", null, undefined],
  ["no topic", { ...GOOD, topic: undefined }, "topic"],
  ["an empty topic", { ...GOOD, topic: "   " }, "topic"],
  ["a topic of punctuation only", { ...GOOD, topic: "?!…" }, "topic"],
  ["a topic that is a number", { ...GOOD, topic: 5 }, "topic"],
  ["a topic in Chinese", { ...GOOD, topic: "你好" }, "topic"],
  ["a topic in Arabic", { ...GOOD, topic: "مرحبا" }, "topic"],
  ["a topic of invisible characters", { ...GOOD, topic: "\u200b\u3164" }, "topic"],
  ["a topic of emoji", { ...GOOD, topic: "☕️🌞" }, "topic"],
  ["601 characters", { ...GOOD, topic: "a".repeat(601) }, "topic"],
  ["a duration that is a string", { ...GOOD, duration: "10" }, "duration"],
  ["a duration of null", { ...GOOD, duration: null }, "duration"],
  ["4 seconds", { ...GOOD, duration: 4 }, "duration"],
  ["61 seconds", { ...GOOD, duration: 61 }, "duration"],
  ["an unknown composition", { ...GOOD, composition: "toString" }, "composition"],
  ["an unknown background", { ...GOOD, background: "__proto__" }, "background"],
  ["an unknown voice", { ...GOOD, voice: "en-gb" }, "voice"],
  ["a voice that is a list", { ...GOOD, voice: ["vi"] }, "voice"],
  ["a session id that is a number", { ...GOOD, session_id: 7 }, "session_id"],
  ["a long session id", { ...GOOD, session_id: "s".repeat(129) }, "session_id"],
  ["an empty key", { ...GOOD, idempotency_key: "" }, "idempotency_key"],
  ["a key that is a number", { ...GOOD, idempotency_key: 7 }, "idempotency_key"],
  ["a long key", { ...GOOD, idempotency_key: "k".repeat(201) }, "idempotency_key"],
];

describe("an invalid request", () => {
  test.each(REFUSED)(
    "given %s, answers with the reason and creates no job",
    async (_name, body, field) => {
      const studio = await openStudio({ workerFile });
      const response = await postVideo(studio, body);
      expect(response.status).toBe(400);
      expect(response.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
      const problem = (await response.json()) as Record<string, unknown>;
      expect(problem).toEqual({
        type: "about:blank",
        title: "The request was refused",
        status: 400,
        code:
          field === undefined
            ? "not-json"
            : field === "voice"
              ? "unknown-voice"
              : "invalid-request",
        detail: expect.stringMatching(/\S/u),
        ...(field !== undefined && { field }),
      });
      expect(await directoriesOf(studio.dataDir)).toEqual([]);
      expect(studio.notices).toEqual([]);
    },
  );

  test("given another content type, like that of a form on another site, refuses", async () => {
    const studio = await openStudio({ workerFile });
    const response = await postVideo(studio, GOOD, { "content-type": "text/plain" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "not-json" });
  });

  test("given a body that is too large, refuses before reading it", async () => {
    const studio = await openStudio({ workerFile });
    const response = await postVideo(studio, { ...GOOD, topic: "a".repeat(20_000) });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "too-large", status: 413 });
  });

  test("given an invalid key in the header, refuses", async () => {
    const studio = await openStudio({ workerFile });
    const response = await postVideo(studio, GOOD, { "idempotency-key": "k".repeat(201) });
    expect(await response.json()).toMatchObject({ status: 400, field: "idempotency_key" });
  });

  test("given another method, answers with the allowed one", async () => {
    const studio = await openStudio({ workerFile });
    const response = await fetch(new URL("/api/chat/create-video", studio.url));
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await response.json()).toMatchObject({ code: "method-not-allowed" });
  });

  test("given a topic that can't be shown, names its characters in the user's language", async () => {
    const studio = await openStudio({ workerFile });
    const detailOf = async (topic: string, language: string): Promise<unknown> => {
      const response = await postVideo(studio, { topic }, { "accept-language": language });
      return ((await response.json()) as { detail: unknown }).detail;
    };
    expect(await detailOf("你好", "en")).toContain("or leave them out: \u2068你 好\u2069");
    expect(await detailOf("你好", "vi")).toContain("hoặc bỏ đi: \u2068你 好\u2069");
    // The topic's own language comes first.
    expect(await detailOf("Xin chào 你好", "en")).toContain("hoặc bỏ đi: \u2068你 好\u2069");
  });

  test("given a Vietnamese browser or topic, answers in Vietnamese", async () => {
    const studio = await openStudio({ workerFile });
    const title = "Yêu cầu bị từ chối";
    const vietnamese = { "accept-language": "vi-VN,vi;q=0.9,en;q=0.5" };
    const byHeader = await postVideo(studio, {}, vietnamese);
    expect(await byHeader.json()).toMatchObject({ title, field: "topic" });
    const byTopic = await postVideo(studio, { ...GOOD, topic: "Trà xanh", duration: 1 });
    expect(await byTopic.json()).toMatchObject({ title, field: "duration" });
    const english = await postVideo(studio, { ...GOOD, duration: 1 }, vietnamese);
    expect(await english.json()).toMatchObject({ title: "The request was refused" });
  });
});

test("given only a topic, uses the defaults", async () => {
  const studio = await openStudio({ workerFile: FAILING_WORKER, env: await withEncoderName() });
  const { jobId } = await createVideo(studio, { topic: "Green tea" });
  const { metadata } = await ended(watchVideo(studio, jobId));
  expect(metadata).toMatchObject({
    ...{ topic: "Green tea", duration: 20, composition: "presenter" },
    ...{ background: "violet", voice: "en-us+f3", language: "en" },
  });
});

describe("no ffmpeg", () => {
  test("given none at the request, refuses at once with the remedy and creates no job", async () => {
    const studio = await openStudio({ workerFile, env: withoutEncoder() });
    const response = await postVideo(studio, GOOD);
    // No client repeats 424 by itself, and no wait helps.
    expect([response.status, response.headers.get("retry-after")]).toEqual([424, null]);
    const problem = await response.text();
    expect(JSON.parse(problem)).toMatchObject({
      code: "ffmpeg-missing",
      detail: expect.stringContaining("Install it, or set FFMPEG_PATH"),
    });
    // The operator gets the path, the user does not.
    expect(studio.notices).toEqual([expect.stringContaining("no-such-ffmpeg")]);
    expect(problem).not.toContain("no-such-ffmpeg");
    expect(await directoriesOf(studio.dataDir)).toEqual([]);
  });

  test("given one that is installed later, makes videos without a restart", async () => {
    const env = withoutEncoder();
    const studio = await openStudio({ workerFile: FAILING_WORKER, env });
    expect((await postVideo(studio, GOOD)).status).toBe(424);
    Object.assign(env, await withEncoderName());
    expect((await postVideo(studio, GOOD)).status).toBe(202);
  });

  test("given one that disappears after the request, fails the job with the remedy and no failed step", async () => {
    const studio = await openStudio({ workerFile, env: await withEncoderName('rm -- "$0"') });
    const { jobId } = await createVideo(studio, GOOD);
    const end = await ended(watchVideo(studio, jobId));
    expect(end).toMatchObject({ status: "failed", step: null, steps: {} });
    expect(end.error).toEqual({
      code: "ffmpeg-missing",
      message: expect.stringContaining("FFMPEG_PATH"),
    });
    expect(await directoriesOf(studio.dataDir)).toEqual([]);
  });
});

describe("an idempotency key", () => {
  test("given the same key at once and again after the end, creates one job", async () => {
    const studio = await openStudio({ workerFile: FAILING_WORKER, env: await withEncoderName() });
    const key = { "idempotency-key": "a-double-click" };
    const replies = await Promise.all([
      createVideo(studio, GOOD, key),
      createVideo(studio, GOOD, key),
      createVideo(studio, { ...GOOD, idempotency_key: "a-double-click" }),
    ]);
    const [first] = replies;
    expect(new Set(replies.map(({ jobId }) => jobId)).size).toBe(1);
    expect(replies.map(({ message }) => message).sort()).toEqual([
      "This video was already requested.",
      "This video was already requested.",
      "Your video is being made.",
    ]);
    await ended(watchVideo(studio, first.jobId));
    expect((await createVideo(studio, GOOD, key)).jobId).toBe(first.jobId);
  });

  test.each(["đơn hàng 7", "100%", "a%20b", "%zz", "🎬".repeat(50)])(
    "given the key %o in the form that the client sends, reads it back",
    async (key) => {
      const studio = await openStudio({ workerFile: FAILING_WORKER, env: await withEncoderName() });
      const videos = new JobManager({
        baseUrl: new URL("/api/video-progress", studio.url).href,
        createUrl: new URL("/api/chat/create-video", studio.url).href,
      });
      onTestFinished(() => videos.close());
      const { jobId } = await videos.create(GOOD, { key });
      const reply = await createVideo(studio, { ...GOOD, idempotency_key: key });
      expect(reply.jobId).toBe(jobId);
    },
  );

  test("given another key or none, creates another job", async () => {
    const studio = await openStudio({ workerFile: FAILING_WORKER, env: await withEncoderName() });
    const ids = await Promise.all([
      createVideo(studio, GOOD, { "idempotency-key": "one" }),
      createVideo(studio, GOOD, { "idempotency-key": "two" }),
      createVideo(studio, GOOD),
      createVideo(studio, GOOD),
    ]);
    expect(new Set(ids.map(({ jobId }) => jobId)).size).toBe(4);
  });
});
