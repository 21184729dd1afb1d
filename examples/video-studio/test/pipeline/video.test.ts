import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { clockText } from "../../src/page/format.js";
import { startEncoder } from "../../src/pipeline/encoder.js";
import type { Ffmpeg } from "../../src/pipeline/ffmpeg-locate.js";
import type { VideoReport, WorkerMessage } from "../../src/pipeline/messages.js";
import { expectedLengthMs } from "../../src/pipeline/pace.js";
import { makeVideo } from "../../src/pipeline/pipeline.js";
import { VIDEO_PLAN } from "../../src/pipeline/plan.js";
import { parseVideoRequest } from "../../src/pipeline/request.js";
import { startVideoWorker, type VideoWorker } from "../../src/pipeline/start-worker.js";
import { templateScript } from "../../src/pipeline/storyboard.js";
import { encodeWav } from "../../src/pipeline/wav.js";
import {
  buildWorker,
  filesIn,
  findEncoder,
  inspect,
  jobDirectory,
  processesOf,
  untilGone,
} from "./support.js";

const SENTENCE = "Xin chào các bạn, hôm nay trời đẹp quá!";
const LONG = parseVideoRequest({ topic: "Trí tuệ nhân tạo", duration: 30 });
const encoder = await findEncoder();
let workerFile: URL;

beforeAll(async () => {
  workerFile = await buildWorker();
});

/** Starts a long video, and resolves when its frames are being drawn and encoded. */
async function rendering(outDir: string): Promise<VideoWorker> {
  return new Promise((resolve, reject) => {
    const worker = startVideoWorker(LONG, {
      outDir,
      workerFile,
      onMessage: (message) => {
        if (message.type === "step-progress" && message.step === "encode") resolve(worker);
      },
    });
    worker.result.then(
      () => reject(new Error("The video was finished before it could be interrupted.")),
      reject,
    );
  });
}

// Without an encoder these tests are skipped, visibly. In CI `findEncoder` fails instead.
describe.skipIf(!encoder)("with an encoder", () => {
  const ffmpeg = encoder as Ffmpeg;

  test("given a Vietnamese sentence, makes a complete video", async () => {
    const outDir = await jobDirectory();
    const reports: VideoReport[] = [];
    const request = parseVideoRequest({
      topic: SENTENCE,
      duration: 5,
      composition: "spotlight",
      background: "ocean",
    });
    const worker = startVideoWorker(request, {
      outDir,
      workerFile,
      onMessage: (report) => reports.push(report),
    });
    const result = await worker.result;

    const seen = await inspect(ffmpeg, result.file);
    expect(seen.text).toMatch(/Video: h264 .*yuv420p.*1280x720.* 25 fps/u);
    expect(seen.text).toMatch(/Audio: aac/u);
    expect(seen.frames).toBe(result.frames);
    expect(Math.abs(seen.seconds - result.durationMs / 1000)).toBeLessThan(0.05);
    // The length that the page writes is the one that the player shows.
    expect(clockText(result.durationMs)).toBe(clockText(seen.seconds * 1000));
    expect(result).toMatchObject({
      file: join(outDir, "final.mp4"),
      width: 1280,
      height: 720,
      language: "vi",
    });
    expect(result.durationMs).toBe(result.frames * 40);
    // The ETA is learned by the length that the script lets expect.
    const expectedMs = expectedLengthMs(templateScript(request), request.duration);
    expect(Math.abs(result.durationMs - expectedMs)).toBeLessThanOrEqual(1000);
    expect(result.bytes).toBe((await stat(result.file)).size);
    expect(await filesIn(outDir)).toEqual(["final.mp4", "poster.jpg", "preview.jpg"]);
    const poster = await readFile(result.poster);
    expect(poster.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    await untilGone(worker.pid);
    expectOrderly(reports, result.frames);
  });

  test("given a cancel during the render, leaves no process and no file", async () => {
    const outDir = await jobDirectory();
    const worker = await rendering(outDir);
    expect((await processesOf(worker.pid)).length).toBeGreaterThanOrEqual(2);
    await worker.cancel();
    await expect(worker.result).rejects.toMatchObject({ code: "cancelled" });
    await untilGone(worker.pid);
    expect(await filesIn(outDir)).toEqual([]);
    await worker.cancel();
  });

  test("given a worker that is killed, rejects, and its encoder exits too", async () => {
    const outDir = await jobDirectory();
    const worker = await rendering(outDir);
    process.kill(worker.pid as number, "SIGKILL");
    await expect(worker.result).rejects.toMatchObject({
      code: "worker-died",
      details: "killed by SIGKILL",
    });
    await untilGone(worker.pid);
    expect(await filesIn(outDir)).toEqual([]);
  });

  test("given a parent that disconnects, the worker exits and removes its files", async () => {
    const outDir = await jobDirectory();
    const child = fork(fileURLToPath(workerFile), { detached: true, execArgv: [] });
    const exited = once(child, "exit");
    child.on("message", (message: WorkerMessage) => {
      if (message.type === "step-progress" && message.step === "encode" && child.connected)
        child.disconnect();
    });
    child.send({ type: "start", request: LONG, outDir });
    expect(await exited).toEqual([1, null]);
    await untilGone(child.pid);
    expect(await filesIn(outDir)).toEqual([]);
  });

  test("given fewer frames than expected, creates no video", async () => {
    const outDir = await jobDirectory();
    await writeFile(join(outDir, "speech.wav"), encodeWav(new Int16Array(22_050), 22_050));
    const small = startEncoder({
      ffmpeg,
      signal: new AbortController().signal,
      width: 64,
      height: 64,
      fps: 25,
      frames: 6,
      speechFile: join(outDir, "speech.wav"),
      partialFile: join(outDir, "final.part.mp4"),
      file: join(outDir, "final.mp4"),
      onEncoded: () => undefined,
      onWarning: () => undefined,
    });
    for (let frame = 0; frame < 5; frame += 1) await small.write(new Uint8Array(64 * 64 * 4));
    await expect(small.finish()).rejects.toMatchObject({ code: "incomplete-video" });
    await small.close();
    expect(await filesIn(outDir)).not.toContain("final.mp4");
  });

  test("given an unknown voice, refuses before the speech", async () => {
    const outDir = await jobDirectory();
    const request = { ...LONG, voice: "en-gb" as never };
    const worker = startVideoWorker(request, { outDir, workerFile, onMessage: () => undefined });
    await expect(worker.result).rejects.toMatchObject({ code: "unknown-voice" });
  });
});

test("given no encoder, rejects with the remedy before the first step", async () => {
  const outDir = await jobDirectory();
  const reports: VideoReport[] = [];
  const env = { ...process.env, FFMPEG_PATH: join(outDir, "no-such-ffmpeg") };
  const onMessage = (report: VideoReport): void => void reports.push(report);
  const worker = startVideoWorker(LONG, { outDir, workerFile, env, onMessage });
  await expect(worker.result).rejects.toMatchObject({
    code: "ffmpeg-missing",
    message: expect.stringContaining("Install ffmpeg"),
  });
  expect(reports).toEqual([]);
});

test("given an aborted signal, starts nothing", async () => {
  const outDir = await jobDirectory();
  const signal = AbortSignal.abort();
  const worker = startVideoWorker(LONG, { outDir, workerFile, signal, onMessage: () => undefined });
  await expect(worker.result).rejects.toMatchObject({ code: "cancelled" });
  const made = makeVideo(LONG, { outDir, signal, report: () => undefined });
  await expect(made).rejects.toMatchObject({ code: "cancelled" });
  expect(await filesIn(outDir)).toEqual([]);
});

/** Expects that each step starts and finishes once, and that its count only rises, up to the total. */
function expectOrderly(reports: readonly VideoReport[], frames: number): void {
  for (const { id } of VIDEO_PLAN) {
    const own = reports.filter((report) => "step" in report && report.step === id);
    expect(own[0]?.type, id).toBe("step-started");
    expect(own.at(-1)?.type, id).toBe("step-finished");
    const counts = own.flatMap((report) =>
      report.type === "step-progress" ? [report.progress] : [],
    );
    expect(counts.map((count) => count.done)).toEqual(
      counts.map((count) => count.done).sort((a, b) => a - b),
    );
    const last = counts.at(-1);
    if (last) expect(last.done, id).toBe(last.total);
    if (id === "render" || id === "encode") expect(last?.total, id).toBe(frames);
  }
  expect(reports.some((report) => report.type === "preview")).toBe(true);
  expect(reports.some((report) => report.type === "meta" && report.meta.frames === frames)).toBe(
    true,
  );
}
