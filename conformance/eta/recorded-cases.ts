import { readdirSync, readFileSync } from "node:fs";
import type { EarlierRun, Recording } from "./recording.js";
import type { Case } from "./replay.js";

/** Which of the earlier videos come before a recorded one. */
export type History =
  /** Those of about the same length, as if the app had a kind of job for each length. */
  | "alike"
  /** Those of any length. */
  | "mixed";

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
    const isAlike = ({ seconds }: EarlierRun): boolean =>
      history === "mixed" || Math.abs(Math.log(seconds / recording.seconds)) < Math.log(2);
    return { name, recording, earlier: earlier.filter((run) => run.name !== name && isAlike(run)) };
  });
}
