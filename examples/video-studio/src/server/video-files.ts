import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { jobFiles } from "../pipeline/files.js";

/** The files of the studio's videos: one directory per job. */
export interface VideoFiles {
  /** The directory of a job's files, or `undefined` for a string that can't be a job id, such as a path. */
  directoryOf(jobId: string): string | undefined;
  /** The directories of all jobs. */
  list(): Promise<readonly VideoDirectory[]>;
  /** Whether a job's video exists and is complete. */
  has(jobId: string): Promise<boolean>;
  /** Creates a job's directory. A directory without a video marks a job that is not finished. */
  reserve(jobId: string): Promise<void>;
  /**
   * Creates a job's directory. Before that it removes the videos whose jobs are no longer kept, and beyond the limit
   * the oldest ones with their jobs.
   */
  make(jobId: string): Promise<string>;
  /** Removes the preview, which only exists while a video is made. */
  removePreview(jobId: string): Promise<void>;
  /** Removes a job's directory with its files. */
  remove(jobId: string): Promise<void>;
}

/** A job's directory. */
export interface VideoDirectory {
  readonly jobId: string;
  /** Whether it has a video. The file appears only when it is complete. */
  readonly hasVideo: boolean;
  /** When the video was made, in milliseconds since the epoch. */
  readonly madeAt: number;
}

/** The jobs that the videos belong to. */
export interface VideoOwners {
  /** Whether a job is still kept. */
  isKept(jobId: string): Promise<boolean>;
  /** Removes the job of a video that is removed. */
  remove(jobId: string): Promise<void>;
}

/** P2 of the protocol. It allows neither a dot nor a slash, so an id is safe as the name of a directory. */
const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** Opens the directory of all videos, and creates it if there is none. */
export async function openVideoFiles(
  dataDir: string,
  maxVideos: number,
  owners: VideoOwners,
): Promise<VideoFiles> {
  const root = join(dataDir, "videos");
  await mkdir(root, { recursive: true });

  const directoryOf = (jobId: string): string | undefined =>
    JOB_ID.test(jobId) ? join(root, jobId) : undefined;
  const requireDirectory = (jobId: string): string => {
    const directory = directoryOf(jobId);
    if (directory === undefined) throw new RangeError(`${JSON.stringify(jobId)} is not a job id.`);
    return directory;
  };

  async function makeRoom(): Promise<void> {
    const videos = (await videosIn(root)).filter(({ hasVideo }) => hasVideo);
    const newestFirst = videos.sort((a, b) => b.madeAt - a.madeAt);
    for (const [index, { jobId }] of newestFirst.entries()) {
      const isTooMany = index >= maxVideos - 1;
      if (isTooMany) await owners.remove(jobId);
      if (isTooMany || !(await owners.isKept(jobId)))
        await rm(requireDirectory(jobId), { recursive: true, force: true });
    }
  }

  return {
    directoryOf,
    list: () => videosIn(root),
    has: async (jobId) => (await videoIn(root, jobId)).hasVideo,
    async reserve(jobId) {
      await mkdir(requireDirectory(jobId), { recursive: true });
    },
    async make(jobId) {
      await makeRoom();
      await mkdir(requireDirectory(jobId), { recursive: true });
      return requireDirectory(jobId);
    },
    async removePreview(jobId) {
      await rm(jobFiles(requireDirectory(jobId)).preview, { force: true });
    },
    async remove(jobId) {
      await rm(requireDirectory(jobId), { recursive: true, force: true });
    },
  };
}

async function videosIn(root: string): Promise<readonly VideoDirectory[]> {
  const names = await readdir(root);
  // Other files in this directory are not the studio's, so it leaves them alone.
  return Promise.all(names.filter((name) => JOB_ID.test(name)).map((name) => videoIn(root, name)));
}

async function videoIn(root: string, jobId: string): Promise<VideoDirectory> {
  const made = await stat(jobFiles(join(root, jobId)).video).catch(() => undefined);
  return { jobId, hasVideo: made !== undefined, madeAt: made?.mtimeMs ?? 0 };
}
