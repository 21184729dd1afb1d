// How far the ETA is from the truth, for recorded videos and made-up jobs, by how many jobs came before.
import { recordedCases, SITUATIONS } from "../conformance/eta/recorded-cases.js";
import {
  type Accuracy,
  accuracyOf,
  type Case,
  meanError,
  PARTS,
} from "../conformance/eta/replay.js";
import { syntheticCases } from "../conformance/eta/synthetic-cases.js";
import { randomFrom } from "../conformance/processes/random.js";
import { recordVideos } from "./lib/eta/record-videos.js";
import { printTable } from "./lib/figures.js";
import { readOptions } from "./lib/options.mjs";

/** From the folder in which `run.mjs` runs this program. */
const RECORDINGS = new URL("../../../conformance/eta/recordings/", import.meta.url);
const RUNS = [0, 1, 5, 50];

function percent(share: number): string {
  return Number.isNaN(share) ? "–" : `${Math.round(100 * share)} %`;
}

function cellOf({ error, shownError, nulls }: Accuracy): string {
  if (nulls === 0) return percent(error);
  return `${percent(error)} (${percent(shownError)}, null ${percent(nulls)})`;
}

function printAccuracy(title: string, cases: readonly Case[], rounds: number): void {
  const { next: random } = randomFrom(1);
  const rows = RUNS.map((runs) => {
    const accuracy = accuracyOf(cases, { runs, rounds, random });
    return [String(runs), ...accuracy.map(cellOf), percent(meanError(accuracy))];
  });
  printTable(title, ["earlier jobs", ...PARTS.map(percent), "mean"], rows);
}

if (readOptions(process.argv.slice(2)).record) await recordVideos(RECORDINGS);

for (const history of ["alike", "mixed"] as const) {
  const cases = recordedCases(RECORDINGS, history);
  const after = history === "alike" ? "of about the same length" : "of 5 to 50 seconds";
  for (const { title, names } of SITUATIONS)
    printAccuracy(
      `Recorded: ${title}, after videos ${after}`,
      cases.filter(({ name }) => names.test(name)),
      40,
    );
}
printAccuracy("Made-up jobs", syntheticCases(randomFrom(1).next, 10, 40), 1);
