import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The files of a job, in the job's own directory. */
export interface JobFiles {
  readonly video: string;
  /** The file that the encoder writes. It is renamed to `video` when it is complete. */
  readonly partialVideo: string;
  readonly poster: string;
  readonly preview: string;
  readonly speech: string;
}

/** The paths of a job's files. */
export function jobFiles(outDir: string): JobFiles {
  return {
    video: join(outDir, "final.mp4"),
    partialVideo: join(outDir, "final.part.mp4"),
    poster: join(outDir, "poster.jpg"),
    preview: join(outDir, "preview.jpg"),
    speech: join(outDir, "speech.wav"),
  };
}

/** Removes all files of a job that failed. Missing files are no error. */
export async function removeJobFiles(outDir: string): Promise<void> {
  const files = Object.values(jobFiles(outDir)) as string[];
  const all = files.flatMap((file) => [file, partOf(file)]);
  await Promise.all(all.map((file) => rm(file, { force: true })));
}

/** Writes a file atomically: readers see the old file until the new one is complete. */
export async function writeAtomically(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(partOf(file), bytes);
  await rename(partOf(file), file);
}

function partOf(file: string): string {
  return `${file}.part`;
}
