import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The files of a job, in the directory that is its own. */
export interface JobFiles {
  readonly video: string;
  /** What the encoder writes to. It becomes `video` only when it is known to be whole. */
  readonly partialVideo: string;
  readonly poster: string;
  readonly preview: string;
  readonly speech: string;
}

/** Where each file of a job lies. */
export function jobFiles(outDir: string): JobFiles {
  return {
    video: join(outDir, "final.mp4"),
    partialVideo: join(outDir, "final.part.mp4"),
    poster: join(outDir, "poster.jpg"),
    preview: join(outDir, "preview.jpg"),
    speech: join(outDir, "speech.wav"),
  };
}

/** Removes all files of a job that came to nothing. Files that are not there are no error. */
export async function removeJobFiles(outDir: string): Promise<void> {
  const files = Object.values(jobFiles(outDir)) as string[];
  const all = files.flatMap((file) => [file, partOf(file)]);
  await Promise.all(all.map((file) => rm(file, { force: true })));
}

/** Writes a file whole or not at all: readers see the old one until the new one is complete. */
export async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(partOf(file), bytes);
  await rename(partOf(file), file);
}

function partOf(file: string): string {
  return `${file}.part`;
}
