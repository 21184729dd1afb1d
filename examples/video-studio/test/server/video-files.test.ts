import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openVideoFiles } from "../../src/server/video-files.js";
import { directoriesOf, KEEP_ALL, openStudio, temporaryDirectory } from "./support.js";

/** Creates a job's directory with one file. `seconds` is the time of the file, since 1970. */
async function put(dataDir: string, name: string, file: string, seconds = 0): Promise<void> {
  const directory = join(dataDir, "videos", name);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, file), "bytes");
  await utimes(join(directory, file), seconds, seconds);
}

test("given unfinished videos of an earlier run, the studio removes them and nothing else", async () => {
  const dataDir = await temporaryDirectory();
  await put(dataDir, "whole", "final.mp4");
  await put(dataDir, "broken", "final.part.mp4");
  await put(dataDir, "not.a.job", "notes.txt");
  const studio = await openStudio({ dataDir });
  expect((await directoriesOf(dataDir)).sort()).toEqual(["not.a.job", "whole"]);
  expect((await fetch(new URL("/api/videos/whole/file", studio.url))).status).toBe(200);
  expect((await fetch(new URL("/api/videos/not.a.job/file", studio.url))).status).toBe(404);
});

test("given as many videos as are kept, the next one replaces the oldest and its job", async () => {
  const dataDir = await temporaryDirectory();
  await put(dataDir, "second", "final.mp4", 200);
  await put(dataDir, "first", "final.mp4", 100);
  await put(dataDir, "third", "final.mp4", 300);
  await put(dataDir, "not.a.job", "notes.txt", 1);
  const removed: string[] = [];
  const files = await openVideoFiles(dataDir, 3, {
    ...KEEP_ALL,
    remove: async (jobId) => void removed.push(jobId),
  });
  expect(await files.make("fourth")).toBe(join(dataDir, "videos", "fourth"));
  expect((await directoriesOf(dataDir)).sort()).toEqual(["fourth", "not.a.job", "second", "third"]);
  expect(removed).toEqual(["first"]);
  await files.remove("fourth");
  expect((await directoriesOf(dataDir)).sort()).toEqual(["not.a.job", "second", "third"]);
});

test.each(["..", ".", "", "a/b", "a\\b", "a\0", "a".repeat(129)])(
  "given %j as an id, touches nothing",
  async (id) => {
    const dataDir = await temporaryDirectory();
    const files = await openVideoFiles(dataDir, 3, KEEP_ALL);
    expect(files.directoryOf(id)).toBeUndefined();
    await expect(files.make(id)).rejects.toThrow(RangeError);
    await expect(files.remove(id)).rejects.toThrow(RangeError);
    await expect(files.removePreview(id)).rejects.toThrow(RangeError);
    expect(await directoriesOf(dataDir)).toEqual([]);
  },
);
