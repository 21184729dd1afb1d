import { readdirSync, readFileSync } from "node:fs";
import type { EarlierRun, Recording } from "./recording.js";
import type { Case } from "./replay.js";

/** Which of the earlier videos come before a recorded one, and whether their sizes are known. */
export type History =
  /** Those of any length, with their sizes. */
  | "sized"
  /** Those of any length, as if they were jobs of the same size. */
  | "unsized"
  /** Those of about the same length, as if the app had a kind of job for each length. */
  | "alike";

/** The situations of the recordings, by their names. */
export const SITUATIONS: readonly { readonly title: string; readonly names: RegExp }[] = [
  { title: "a short video", names: /^short/ },
  { title: "a long video", names: /^long/ },
  { title: "a slow or busy machine", names: /^(slow-machine|busy)/ },
  { title: "one slow step", names: /^slow-step/ },
];

/** A recorded video. */
export interface RecordedCase extends Case {
  readonly name: string;
}

/** The recorded videos of a folder. No video comes before itself. */
export function recordedCases(folder: URL, history: History): readonly RecordedCase[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  const earlier = read("earlier.json") as readonly EarlierRun[];
  const files = readdirSync(folder).filter((file) => file !== "earlier.json");
  return files.sort().map((file) => {
    const name = file.replace(".json", "");
    const recording = read(file) as Recording;
    const isAlike = ({ size }: EarlierRun): boolean =>
      history !== "alike" || Math.abs(Math.log(size / recording.size)) < Math.log(2);
    return {
      ...{ name, recording, hasSize: history === "sized" },
      earlier: earlier.filter((run) => run.name !== name && isAlike(run)),
    };
  });
}
