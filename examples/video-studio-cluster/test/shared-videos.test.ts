import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openSharedVideos } from "../src/shared-videos.js";

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "video-studio-cluster-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("given more videos than are kept, removes the oldest one with its job", async () => {
  const [videoDir, scratchDir] = [await temporaryDirectory(), await temporaryDirectory()];
  const [video, poster] = [join(scratchDir, "final.mp4"), join(scratchDir, "poster.jpg")];
  await writeFile(video, "video");
  await writeFile(poster, "poster");
  const removedJobs: string[] = [];
  const videos = await openSharedVideos({ videoDir, maxVideos: 2 }, (jobId) =>
    removedJobs.push(jobId),
  );
  for (const [index, jobId] of ["first", "second", "third"].entries()) {
    await videos.publish(jobId, { video, poster });
    await utimes(join(videoDir, jobId, "final.mp4"), index + 1, index + 1);
  }
  await videos.publish("fourth", { video, poster });
  expect((await readdir(videoDir)).sort()).toEqual(["fourth", "third"]);
  expect(removedJobs).toEqual(["first", "second"]);
  expect(await readFile(join(videoDir, "fourth", "final.mp4"), "utf8")).toBe("video");
});
