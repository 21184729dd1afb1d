import { pathOf, pathOfList } from "../fan-out/contender.js";
import { closeAll, type FanOutSize, type Saturated, saturate } from "../fan-out/measure.js";
import { openReaders } from "../fan-out/readers.js";
import { startServer } from "../fan-out/server.js";

/** The rows of the table: the viewers follow one job over a stream of its own, or the list. */
export const FOLLOWED = [
  "one job",
  "the list, one job of which changes",
  "the list, all jobs of which change",
] as const;

export type Followed = (typeof FOLLOWED)[number];

/** How much is measured. */
export interface ChangesSize {
  readonly viewers: number;
  /** Jobs of the list. */
  readonly jobs: number;
  readonly perSecond: number;
  /** The window of the changes that come as fast as the viewers take them. */
  readonly times: Times;
  /** The window at the rate. */
  readonly rateTimes: Times;
}

/** How long is measured. */
export type Times = Pick<FanOutSize, "warmUpMs" | "measuredMs">;

/** The figures of one row in one round. */
export interface Changes {
  /** As many changes as the viewers take. */
  readonly saturated: Saturated;
  /** `perSecond` changes a second. */
  readonly atRate: Saturated;
}

/** Measures the changes of jobs that stay where they are. */
export async function measureChanges(
  name: Followed,
  { viewers, jobs, perSecond, times, rateTimes }: ChangesSize,
): Promise<Changes> {
  const path = name === "one job" ? pathOf(0) : pathOfList(jobs);
  const topics = name === "the list, all jobs of which change" ? jobs : 1;
  const server = await startServer({ contender: "node", topics: jobs });
  try {
    const readers = await openReaders(server.port, () => path, { count: viewers, atOnce: 64 });
    const saturated = await saturate(server, readers, { topics }, times);
    const atRate = await saturate(server, readers, { topics, perSecond }, rateTimes);
    await closeAll(server, readers);
    return { saturated, atRate };
  } finally {
    await server.end();
  }
}
