import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { jobFiles } from "../pipeline/files.js";

/** The files of the studio's videos, a directory for each job. */
export interface VideoFiles {
  /** Where a job's files lie; `undefined` for what can't be the id of a job, such as a path. */
  directoryOf(jobId: string): string | undefined;
  /** All directories of jobs. */
  list(): Promise<readonly KnownVideo[]>;
  /** Whether a job's video is there, whole. */
  has(jobId: string): Promise<boolean>;
  /** Makes a job's directory: the mark of a job that is not finished. */
  reserve(jobId: string): Promise<void>;
  /** Makes a job's directory, and room for it: videos whose jobs have expired go, and beyond the bound the oldest. */
  make(jobId: string): Promise<string>;
  /** What is there only while a video is made. */
  removePreview(jobId: string): Promise<void>;
  /** Removes a job's directory and all in it. */
  remove(jobId: string): Promise<void>;
}

/** A job's directory. */
export interface KnownVideo {
  readonly jobId: string;
  /** Whether its video is there. */
  readonly isWhole: boolean;
  /** Milliseconds since the epoch. */
  readonly madeAt: number;
}

/** P2 of the protocol. Neither a dot nor a slash is in it, so that it is safe as the name of a directory. */
const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Opens the directory of all videos.
 *
 * @param hasExpired - Whether a job has been removed, and its video is to go too.
 */
export async function openVideoFiles(
  dataDir: string,
  maxVideos: number,
  hasExpired: (jobId: string) => Promise<boolean>,
): Promise<VideoFiles> {
  const root = join(dataDir, "videos");
  await mkdir(root, { recursive: true });

  const directoryOf = (jobId: string): string | undefined =>
    JOB_ID.test(jobId) ? join(root, jobId) : undefined;
  const own = (jobId: string): string => {
    const directory = directoryOf(jobId);
    if (directory === undefined) throw new RangeError(`${JSON.stringify(jobId)} is no job id.`);
    return directory;
  };

  async function makeRoom(): Promise<void> {
    const videos = (await videosIn(root)).filter(({ isWhole }) => isWhole);
    const newestFirst = videos.sort((a, b) => b.madeAt - a.madeAt);
    for (const [index, { jobId }] of newestFirst.entries()) {
      if (index < maxVideos - 1 && !(await hasExpired(jobId))) continue;
      await rm(own(jobId), { recursive: true, force: true });
    }
  }

  return {
    directoryOf,
    list: () => videosIn(root),
    has: async (jobId) => (await videoIn(root, jobId)).isWhole,
    async reserve(jobId) {
      await mkdir(own(jobId), { recursive: true });
    },
    async make(jobId) {
      await makeRoom();
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

async function videosIn(root: string): Promise<readonly KnownVideo[]> {
  const names = await readdir(root);
  // Whatever else somebody keeps there is not ours to remove.
  return Promise.all(names.filter((name) => JOB_ID.test(name)).map((name) => videoIn(root, name)));
}

async function videoIn(root: string, jobId: string): Promise<KnownVideo> {
  const made = await stat(jobFiles(join(root, jobId)).video).catch(() => undefined);
  return { jobId, isWhole: made !== undefined, madeAt: made?.mtimeMs ?? 0 };
}
