import { setTimeout as pause } from "node:timers/promises";
import { pathOf, pathOfList } from "../fan-out/contender.js";
import { allArrived } from "../fan-out/measure.js";
import { closeReader, openReader, openReaders, type Reader } from "../fan-out/readers.js";
import { type BenchServer, type Question, startServer } from "../fan-out/server.js";
import type { Times } from "./changes.js";

/** The viewers of a subject, and the change that is repeated. */
export interface Turnover {
  readonly viewers: number;
  /** The newest jobs, which each viewer follows. */
  readonly jobs: number;
  /** By the list over one stream, or by one stream per job. */
  readonly way: "list" | "streams";
  /**
   * `update`: a job changes. `create`: there is a new job, so that the oldest one is not among the newest any more.
   * `alternate`: the oldest job is removed, or there is a new one, in turn.
   */
  readonly change: "update" | "create" | "alternate";
}

/** The cost per viewer and change. */
export interface TurnoverCost {
  /** Microseconds of the server's CPU. */
  readonly cpuUs: number;
  readonly bytes: number;
}

/** Changes a second. */
export const CHANGES_PER_SECOND = 10;

/** The streams of all viewers. */
interface Audience {
  /** Does as the viewers do when there is a new job. Resolves when they have opened what they need. */
  follow(created: number): Promise<unknown>;
  frames(): number;
  bytes(): number;
}

/** Repeats a change, and waits until all that it leads to has arrived. */
export async function measureTurnover(
  turnover: Turnover,
  { warmUpMs, measuredMs }: Times,
): Promise<TurnoverCost> {
  const { viewers, jobs, way } = turnover;
  const server = await startServer({ contender: "node", topics: jobs });
  try {
    const audience = await (way === "list" ? openLists : openStreams)(server.port, turnover);
    const repeat = repeatOf(server, audience, turnover);
    await repeat(warmUpMs);
    const before = { ...(await server.ask()), bytes: audience.bytes() };
    const changes = await repeat(measuredMs);
    const after = await server.ask();
    return {
      cpuUs: (after.cpuUs - before.cpuUs) / (viewers * changes),
      bytes: (audience.bytes() - before.bytes) / (viewers * changes),
    };
  } finally {
    await server.end();
  }
}

/**
 * A function that repeats the change for some milliseconds, and resolves with the number of changes. A change that is
 * late delays the next ones: our server would send two that are close to each other as one list.
 */
function repeatOf(
  server: BenchServer,
  audience: Audience,
  turnover: Turnover,
): (ms: number) => Promise<number> {
  let changes = 0;
  return async (ms) => {
    const count = Math.ceil((ms / 1_000) * CHANGES_PER_SECOND);
    const following: Promise<unknown>[] = [];
    for (let index = 0; index < count; index += 1) {
      if (index > 0) await pause(1_000 / CHANGES_PER_SECOND);
      const question = changeAt(changes, turnover);
      changes += 1;
      await server.ask(question);
      if (question.create !== undefined) following.push(audience.follow(question.create));
    }
    await Promise.all(following);
    await allArrived(server, audience);
    return count;
  };
}

/** The change with a number from 0. */
function changeAt(index: number, { change, jobs }: Turnover): Omit<Question, "id"> {
  if (change === "update") return { history: { topic: 0, count: 1 } };
  if (change === "create") return { create: jobs + index };
  return index % 2 === 0 ? { remove: index / 2 } : { create: jobs + (index - 1) / 2 };
}

/** The viewers of the list have nothing to do: the server tells them all. */
async function openLists(port: number, { viewers, jobs }: Turnover): Promise<Audience> {
  const path = pathOfList(jobs);
  const readers = await openReaders(port, () => path, { count: viewers, atOnce: 64 });
  const bytes = (): number => readers.all.reduce((sum, reader) => sum + reader.bytes, 0);
  return { frames: readers.frames, bytes, follow: async () => {} };
}

/** Each viewer has a stream of each of its jobs, opens one for a new job, and closes that of the oldest one. */
async function openStreams(port: number, { viewers, jobs }: Turnover): Promise<Audience> {
  const all: Reader[] = [];
  const byTopic = new Map<number, readonly Reader[]>();

  function openOne(path: string): Promise<Reader> {
    return new Promise((onOpen) => {
      all.push(openReader({ port, path, onOpen }));
    });
  }

  async function openTopic(topic: number): Promise<void> {
    const path = pathOf(topic);
    byTopic.set(topic, await Promise.all(Array.from({ length: viewers }, () => openOne(path))));
  }

  for (let topic = 0; topic < jobs; topic += 1) await openTopic(topic);
  return {
    frames: () => all.reduce((sum, { frames }) => sum + frames, 0),
    bytes: () => all.reduce((sum, { bytes }) => sum + bytes, 0),
    follow(created) {
      const oldest = created - jobs;
      byTopic.get(oldest)?.forEach(closeReader);
      byTopic.delete(oldest);
      return openTopic(created);
    },
  };
}
