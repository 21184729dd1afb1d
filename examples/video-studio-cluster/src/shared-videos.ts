import { copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type JobFiles, jobFiles } from "@emlinh/video-studio/src/pipeline/files.js";
import type { Settings } from "./settings.js";

/**
 * The finished videos, in a directory that every process can reach: workers write them, web processes serve them. To
 * keep the videos elsewhere, such as in an object store, replace this file.
 */
export interface SharedVideos {
  /** The directory of a job's files, or `undefined` for a string that can't be a job id, such as a path. */
  directoryOf(jobId: string): string | undefined;
  /** Copies a preview into the job's directory. */
  publishPreview(jobId: string, file: string): Promise<void>;
  /**
   * Copies the finished video and its poster into the job's directory, and removes the preview. Readers see each file
   * complete or not at all. Beyond `maxVideos`, the oldest videos are removed with their jobs.
   */
  publish(jobId: string, made: { readonly video: string; readonly poster: string }): Promise<void>;
  /** Removes a job's directory with its files. */
  remove(jobId: string): Promise<void>;
}

/** P2 of the protocol. It allows neither a dot nor a slash, so an id is safe as the name of a directory. */
const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Opens the directory, and creates it if there is none. Other processes may have it open.
 *
 * @param removeJob - Removes the job of a video that is removed.
 */
export async function openSharedVideos(
  { videoDir: root, maxVideos }: Pick<Settings, "videoDir" | "maxVideos">,
  removeJob: (jobId: string) => void,
): Promise<SharedVideos> {
  await mkdir(root, { recursive: true });

  const directoryOf = (jobId: string): string | undefined =>
    JOB_ID.test(jobId) ? join(root, jobId) : undefined;

  function requireDirectory(jobId: string): string {
    const directory = directoryOf(jobId);
    if (directory === undefined) throw new RangeError(`${JSON.stringify(jobId)} is not a job id.`);
    return directory;
  }

  async function filesOf(jobId: string): Promise<JobFiles> {
    await mkdir(requireDirectory(jobId), { recursive: true });
    return jobFiles(requireDirectory(jobId));
  }

  return {
    directoryOf,
    async publishPreview(jobId, file) {
      await copyAtomically(file, (await filesOf(jobId)).preview);
    },
    async publish(jobId, made) {
      const { poster, video, preview } = await filesOf(jobId);
      await copyAtomically(made.poster, poster);
      await copyAtomically(made.video, video);
      await rm(preview, { force: true });
      for (const old of await oldestVideos(root, maxVideos)) {
        removeJob(old);
        await rm(join(root, old), { recursive: true, force: true });
      }
    },
    async remove(jobId) {
      await rm(requireDirectory(jobId), { recursive: true, force: true });
    },
  };
}

/** Copies to another name first, because a rename is atomic: no reader sees half of a file. */
async function copyAtomically(from: string, to: string): Promise<void> {
  const part = `${to}.${process.pid}.part`;
  await copyFile(from, part);
  await rename(part, to);
}

/** The ids of the videos beyond the newest ones that are kept. */
async function oldestVideos(root: string, kept: number): Promise<readonly string[]> {
  const names = (await readdir(root)).filter((name) => JOB_ID.test(name));
  const videos = await Promise.all(
    names.map(async (name) => ({ name, madeAt: await madeAt(join(root, name)) })),
  );
  return videos
    .filter(({ madeAt }) => madeAt > 0)
    .sort((a, b) => b.madeAt - a.madeAt)
    .slice(kept)
    .map(({ name }) => name);
}

/** Milliseconds since the epoch, or 0 if the video is not finished or another process has just removed it. */
async function madeAt(directory: string): Promise<number> {
  const video = await stat(jobFiles(directory).video).catch(() => undefined);
  return video?.mtimeMs ?? 0;
}
