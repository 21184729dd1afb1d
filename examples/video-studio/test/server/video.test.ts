import type { LogLine } from "@emlinh/progress-client";
import { beforeAll, describe, expect, test } from "vitest";
import { addressesOf } from "../../src/shared/addresses.js";
import { buildWorker, findEncoder } from "../pipeline/support.js";
import { createVideo, directoriesOf, ended, openStudio, watchVideo, workersOf } from "./support.js";

const encoder = await findEncoder();
let workerFile: URL;

beforeAll(async () => {
  workerFile = await buildWorker("server-video-test");
});

// Without an encoder this test is skipped, visibly. In CI `findEncoder` fails instead.
describe.skipIf(!encoder)("with an encoder", () => {
  test("given a sentence, makes a video, reports each step, and serves the file", {
    timeout: 90_000,
  }, async () => {
    const studio = await openStudio({ workerFile });
    const reply = await createVideo(studio, {
      topic: "Xin chào các bạn!",
      duration: 5,
      composition: "spotlight",
      background: "ocean",
      voice: "vi",
      session_id: "tab-1",
    });
    const { jobId } = reply;
    expect(reply).toEqual({
      jobId: expect.stringMatching(/^[A-Za-z0-9_-]{20,}$/),
      eventsUrl: `/api/video-progress/${jobId}`,
      statusUrl: `/api/video-progress/${jobId}/status`,
      message: "Video của bạn đang được tạo.",
    });

    const watch = watchVideo(studio, jobId);
    const percents: number[] = [];
    const previews = new Set<string>();
    const lines: LogLine[] = [];
    watch.on("log", (line) => lines.push(line));
    watch.on("progress", ({ percent, metadata }) => {
      percents.push(percent ?? 0);
      if (metadata.previewUrl !== undefined) previews.add(metadata.previewUrl);
    });
    const end = await ended(watch);

    expect(end).toMatchObject({ status: "completed", percent: 100, error: null });
    expect(end.plan.map(({ title }) => title)[0]).toBe("Viết kịch bản");
    expect(end.metadata).toMatchObject({
      ...{ topic: "Xin chào các bạn!", duration: 5, composition: "spotlight" },
      ...{ background: "ocean", voice: "vi", language: "vi", queuePosition: 0, sessionId: "tab-1" },
      scenes: expect.any(Array),
    });
    for (const { id } of end.plan) {
      const { status, startedAt = 0, finishedAt = 0 } = end.steps[id] ?? {};
      expect([id, status]).toEqual([id, "completed"]);
      expect(finishedAt, id).toBeGreaterThanOrEqual(startedAt);
    }
    const { result } = end;
    expect(result).toMatchObject({ width: 1280, height: 720, title: end.metadata.title });
    expect(end.steps.render).toMatchObject({ done: result?.frames, total: result?.frames });
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(percents.length).toBeGreaterThan(5);
    expect([...previews][0]).toBe(addressesOf(jobId).preview(0));
    expect(lines.map(({ n }) => n)).toEqual(lines.map((_, index) => index + 1));
    expect(lines.length).toBeGreaterThan(0);

    await expectRanges(new URL(result?.videoUrl ?? "", studio.url), result?.bytes ?? 0);
    const poster = await fetch(new URL(result?.posterUrl ?? "", studio.url));
    expect([poster.status, poster.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    expect([...new Uint8Array(await poster.arrayBuffer()).subarray(0, 3)]).toEqual([255, 216, 255]);
    const [preview = ""] = previews;
    expect((await fetch(new URL(preview, studio.url))).status).toBe(404);

    expect(studio.notices).toEqual([]);
    expect(await workersOf(workerFile)).toEqual([]);

    // A finished video outlives the studio.
    await studio.close();
    const next = await openStudio({ workerFile, dataDir: studio.dataDir });
    expect(await directoriesOf(studio.dataDir)).toEqual([jobId]);
    expect((await fetch(new URL(addressesOf(jobId).file, next.url))).status).toBe(200);
  });
});

/** Requests a video as players do: in ranges, and conditionally. */
async function expectRanges(url: URL, bytes: number): Promise<void> {
  const head = await fetch(url, { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(Object.fromEntries(head.headers)).toMatchObject({
    "accept-ranges": "bytes",
    "content-length": String(bytes),
    "content-type": "video/mp4",
    "x-content-type-options": "nosniff",
    "cache-control": "private, max-age=31536000, immutable",
  });
  expect(await head.text()).toBe("");

  const whole = new Uint8Array(await (await fetch(url)).arrayBuffer());
  expect(whole.length).toBe(bytes);
  expect(new TextDecoder().decode(whole.subarray(4, 8))).toBe("ftyp");

  const part = await fetch(url, { headers: { range: "bytes=100-199" } });
  expect(part.status).toBe(206);
  expect(part.headers.get("content-range")).toBe(`bytes 100-199/${bytes}`);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.subarray(100, 200));

  const last = await fetch(url, { headers: { range: "bytes=-10" } });
  expect(last.status).toBe(206);
  expect(new Uint8Array(await last.arrayBuffer())).toEqual(whole.subarray(-10));

  const beyond = await fetch(url, { headers: { range: `bytes=${bytes}-` } });
  expect(beyond.status).toBe(416);
  expect(beyond.headers.get("content-range")).toBe(`bytes */${bytes}`);
  expect(beyond.headers.get("content-type")).toContain("application/problem+json");

  // Without this header `fetch` adds `no-cache`, which requests the whole file.
  const known = await fetch(url, {
    headers: { "if-none-match": head.headers.get("etag") ?? "", "cache-control": "max-age=0" },
  });
  expect(known.status).toBe(304);
}
