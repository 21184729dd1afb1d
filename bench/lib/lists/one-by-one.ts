import { setTimeout as pause } from "node:timers/promises";
import { pathOf, pathOfList } from "../fan-out/contender.js";
import { growth, type Saturated, saturate } from "../fan-out/measure.js";
import { openReaders, type Readers } from "../fan-out/readers.js";
import { type BenchServer, startServer } from "../fan-out/server.js";
import type { Times } from "./changes.js";

/** How many viewers follow how many jobs. */
export interface OneByOneSize {
  readonly viewers: number;
  /** Jobs that each viewer follows. */
  readonly jobs: number;
  /** Changes of each job a second, for the figure at a rate. */
  readonly perSecond: number;
  readonly times: Times;
  /** Viewers whose memory is measured: as many streams in both ways. */
  readonly idle: { readonly list: number; readonly streams: number };
}

/** Whether a viewer follows the jobs by the list over one stream, or by one stream per job. */
export type Way = "list" | "streams";

/** The figures of one way in one round. */
export interface OneByOne {
  readonly saturated: Saturated;
  readonly atRate: Saturated;
  /** Bytes of the process per viewer. */
  readonly memory: number;
}

const AT_ONCE = 64;

/** Measures the memory of idle viewers, then changes that reach all viewers, each of whom follows all jobs. */
export async function measureOneByOne(way: Way, size: OneByOneSize): Promise<OneByOne> {
  const { viewers, jobs, perSecond, times, idle } = size;
  const server = await startServer({ contender: "node", topics: jobs });
  try {
    const bytes = await growth(server, () => open(server, way, idle[way], jobs), times.warmUpMs);
    while ((await server.ask()).sockets > 0) await pause(10);
    const readers = await open(server, way, viewers, jobs);
    // So many changes in a turn that the look at the sockets of all streams costs little next to them.
    const full = { topics: jobs, perTurn: Math.ceil(jobs / 5) };
    const saturated = await saturate(server, readers, full, times);
    const rate = { topics: jobs, perSecond: jobs * perSecond };
    const atRate = await saturate(server, readers, rate, times);
    readers.close();
    return { saturated, atRate, memory: bytes / idle[way] };
  } finally {
    await server.end();
  }
}

function open(server: BenchServer, way: Way, viewers: number, jobs: number): Promise<Readers> {
  const isList = way === "list";
  const pathAt = (index: number): string => (isList ? pathOfList(jobs) : pathOf(index % jobs));
  const count = isList ? viewers : viewers * jobs;
  return openReaders(server.port, pathAt, { count, atOnce: AT_ONCE });
}
