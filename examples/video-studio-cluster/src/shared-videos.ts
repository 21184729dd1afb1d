import { copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type JobFiles, jobFiles } from "@emlinh/video-studio/src/pipeline/files.js";

/** The videos, where every process can reach them: workers put them there, web processes serve them. On real machines this is the one file to replace. */
export interface SharedVideos {
  /** Where a job's files lie; `undefined` for what can't be the id of a job, such as a path. */
  directoryOf(jobId: string): string | undefined;
  /** Puts a copy of a preview there. */
  publishPreview(jobId: string, file: string): Promise<void>;
  /** Puts the finished video and its poster there, each whole or not at all, and removes the preview. Beyond the bound, the oldest videos go. */
  publish(jobId: string, made: { readonly video: string; readonly poster: string }): Promise<void>;
  /** Removes all that is there of a job. */
  remove(jobId: string): Promise<void>;
}

/** P2 of the protocol. Neither a dot nor a slash is in it, so that it is safe as the name of a directory. */
const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** Opens the directory, and makes it if it isn't there. Other processes may have it open. */
export async function openSharedVideos(root: string, maxVideos: number): Promise<SharedVideos> {
  await mkdir(root, { recursive: true });

  const directoryOf = (jobId: string): string | undefined =>
    JOB_ID.test(jobId) ? join(root, jobId) : undefined;

  function own(jobId: string): string {
    const directory = directoryOf(jobId);
    if (directory === undefined) throw new RangeError(`${JSON.stringify(jobId)} is no job id.`);
    return directory;
  }

  async function filesOf(jobId: string): Promise<JobFiles> {
    await mkdir(own(jobId), { recursive: true });
    return jobFiles(own(jobId));
  }

  return {
    directoryOf,
    async publishPreview(jobId, file) {
      await copyWhole(file, (await filesOf(jobId)).preview);
    },
    async publish(jobId, made) {
      const { poster, video, preview } = await filesOf(jobId);
      await copyWhole(made.poster, poster);
      await copyWhole(made.video, video);
      await rm(preview, { force: true });
      await removeOldest(root, maxVideos);
    },
    async remove(jobId) {
      await rm(own(jobId), { recursive: true, force: true });
    },
  };
}

/** A copy under another name first, since a rename is at once: nobody sees half of a file. */
async function copyWhole(from: string, to: string): Promise<void> {
  const part = `${to}.${process.pid}.part`;
  await copyFile(from, part);
  await rename(part, to);
}

async function removeOldest(root: string, kept: number): Promise<void> {
  const names = (await readdir(root)).filter((name) => JOB_ID.test(name));
  const videos = await Promise.all(
    names.map(async (name) => ({ name, madeAt: await madeAt(join(root, name)) })),
  );
  const old = videos
    .filter(({ madeAt }) => madeAt > 0)
    .sort((a, b) => b.madeAt - a.madeAt)
    .slice(kept);
  for (const { name } of old) await rm(join(root, name), { recursive: true, force: true });
}

/** Milliseconds since the epoch; 0 for a video that isn't finished, or was removed by another process just now. */
async function madeAt(directory: string): Promise<number> {
  const video = await stat(jobFiles(directory).video).catch(() => undefined);
  return video?.mtimeMs ?? 0;
}
