import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type JobFiles, jobFiles } from "../pipeline/files.js";

/** The files of the studio's videos, a directory for each job. */
export interface VideoFiles {
  /** Where a job's files lie; `undefined` for what can't be the id of a job, such as a path. */
  directoryOf(jobId: string): string | undefined;
  /** Makes a job's directory, and room for it: beyond the bound, the oldest videos go. */
  make(jobId: string): Promise<string>;
  /** What is there only while a video is made. */
  removePreview(jobId: string): Promise<void>;
  /** Removes a job's directory and all in it. */
  remove(jobId: string): Promise<void>;
}

/** P2 of the protocol. Neither a dot nor a slash is in it, so that it is safe as the name of a directory. */
const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** Opens the directory of all videos. What an earlier run left unfinished is removed. */
export async function openVideoFiles(dataDir: string, maxVideos: number): Promise<VideoFiles> {
  const root = join(dataDir, "videos");
  await mkdir(root, { recursive: true });
  for (const { jobId, isWhole } of await videosIn(root)) {
    if (!isWhole) await rm(join(root, jobId), { recursive: true, force: true });
  }

  const directoryOf = (jobId: string): string | undefined =>
    JOB_ID.test(jobId) ? join(root, jobId) : undefined;
  const own = (jobId: string): string => {
    const directory = directoryOf(jobId);
    if (directory === undefined) throw new RangeError(`${JSON.stringify(jobId)} is no job id.`);
    return directory;
  };

  return {
    directoryOf,
    async make(jobId) {
      await removeOldest(root, maxVideos - 1);
      await mkdir(own(jobId), { recursive: true });
      return own(jobId);
    },
    async removePreview(jobId) {
      await rm(jobFiles(own(jobId)).preview, { force: true });
    },
    async remove(jobId) {
      await rm(own(jobId), { recursive: true, force: true });
    },
  };
}

interface KnownVideo {
  readonly jobId: string;
  readonly isWhole: boolean;
  /** Milliseconds since the epoch. */
  readonly madeAt: number;
}

async function videosIn(root: string): Promise<readonly KnownVideo[]> {
  const names = await readdir(root);
  return Promise.all(
    // Whatever else somebody keeps there is not ours to remove.
    names
      .filter((name) => JOB_ID.test(name))
      .map(async (jobId) => {
        const { video }: JobFiles = jobFiles(join(root, jobId));
        const made = await stat(video).catch(() => undefined);
        return { jobId, isWhole: made !== undefined, madeAt: made?.mtimeMs ?? 0 };
      }),
  );
}

async function removeOldest(root: string, kept: number): Promise<void> {
  const videos = (await videosIn(root)).filter(({ isWhole }) => isWhole);
  const tooMany = videos.sort((a, b) => b.madeAt - a.madeAt).slice(kept);
  for (const { jobId } of tooMany) await rm(join(root, jobId), { recursive: true, force: true });
}
