import { setTimeout as pause } from "node:timers/promises";
import { quantile } from "../figures.js";
import { pathOf } from "./contender.js";
import type { Load } from "./publisher.js";
import { closeReader, openReader, openReaders, type Readers } from "./readers.js";
import { type BenchServer, type ContenderName, startServer } from "./server.js";

/** How much is measured. */
export interface FanOutSize {
  readonly readers: number;
  readonly jobs: number;
  /** Streams of the table of memory, with a job for five of them. */
  readonly idle: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** 20 events a second for each reader. */
export const EVENTS_PER_SECOND = 20;

const AT_ONCE = 64;
const CYCLES_AT_ONCE = 50;
/** Nothing arrives for this long when everything has arrived. */
const SETTLE_MS = 50;

/** The figures of saturated readers. */
export interface Saturated {
  /** Microseconds of the server's CPU per event that arrived. */
  readonly cpuUs: number;
  readonly perSecond: number;
  /** The share of the events that the readers did not get one by one, but merged. */
  readonly merged: number;
}

/** The figures of one server in one round. */
export interface Figures {
  /** One job with all readers. */
  readonly wide: Saturated;
  /** Many jobs with five readers each. */
  readonly narrow: Saturated;
  /** Milliseconds from an event to its readers. */
  readonly p50: number;
  readonly p99: number;
  /** Streams opened a second by a server that has just started. */
  readonly connects: number;
  /** Streams a second that are opened, read until the first event and closed. */
  readonly cycles: number;
}

/**
 * Publishes as fast as the readers take it, and waits until everything has arrived: the CPU of all that was sent is
 * divided by all that arrived, however much waits in the buffers of the kernel.
 */
export async function saturate(
  server: BenchServer,
  readers: Readers,
  load: Load,
  { warmUpMs, measuredMs }: Pick<FanOutSize, "warmUpMs" | "measuredMs">,
): Promise<Saturated> {
  await publishFor(warmUpMs, server, readers, load);
  const before = await server.ask();
  const begun = { at: performance.now(), frames: readers.frames(), missed: readers.missed() };
  readers.latenciesMs.length = 0;
  const arrivedAt = await publishFor(measuredMs, server, readers, load);
  const after = await server.ask();
  const frames = readers.frames() - begun.frames;
  const missed = readers.missed() - begun.missed;
  return {
    cpuUs: (after.cpuUs - before.cpuUs) / frames,
    perSecond: (frames * 1_000) / (arrivedAt - begun.at),
    merged: missed / (missed + readers.latenciesMs.length),
  };
}

/** Resolves when everything has arrived, with the time when that was seen first. */
async function publishFor(
  ms: number,
  server: BenchServer,
  readers: Readers,
  load: Load,
): Promise<number> {
  await server.ask({ start: load });
  await pause(ms);
  await server.ask({ stop: true });
  return allArrived(server, readers);
}

/** Resolves when everything has arrived, with the time when that was seen first. */
export async function allArrived(
  server: BenchServer,
  readers: Pick<Readers, "frames">,
): Promise<number> {
  let [frames, arrivedAt] = [readers.frames(), performance.now()];
  for (;;) {
    await pause(SETTLE_MS);
    const { maxQueuedBytes } = await server.ask();
    if (readers.frames() === frames && maxQueuedBytes === 0) return arrivedAt;
    [frames, arrivedAt] = [readers.frames(), performance.now()];
  }
}

/** Milliseconds from an event to its readers, while events come at a rate that every server can keep. */
async function measureLatency(
  server: BenchServer,
  readers: Readers,
  { warmUpMs, measuredMs }: FanOutSize,
): Promise<readonly number[]> {
  const load = { topics: 1, perSecond: EVENTS_PER_SECOND };
  await publishFor(warmUpMs, server, readers, load);
  readers.latenciesMs.length = 0;
  await publishFor(measuredMs, server, readers, load);
  return [...readers.latenciesMs];
}

/** Streams a second that are opened, read until the first event and closed. */
async function measureCycles(
  server: BenchServer,
  { warmUpMs, measuredMs }: FanOutSize,
): Promise<number> {
  await server.ask({ start: { topics: 1, perSecond: 10 * EVENTS_PER_SECOND } });
  let cycles = 0;
  let isOver = false;
  const openNext = (): void => {
    if (isOver) return;
    const reader = openReader({
      port: server.port,
      path: pathOf(0),
      onOpen: () => {},
      onEvent() {
        if (reader.socket.destroyed) return;
        cycles += 1;
        closeReader(reader);
        openNext();
      },
    });
  };
  for (let index = 0; index < CYCLES_AT_ONCE; index += 1) openNext();
  await pause(warmUpMs);
  const begun = { at: performance.now(), cycles };
  await pause(measuredMs);
  const perSecond = ((cycles - begun.cycles) * 1_000) / (performance.now() - begun.at);
  isOver = true;
  await server.ask({ stop: true });
  return perSecond;
}

/** Closes streams, and resolves when the server has noticed it. */
export async function closeAll(server: BenchServer, readers: Readers): Promise<void> {
  readers.close();
  while ((await server.ask()).sockets > 0) await pause(10);
}

/** Measures a server in one round. `peers` is the folder in which the peers are installed. */
export async function measure(
  contender: ContenderName,
  size: FanOutSize,
  peers?: string,
): Promise<Figures> {
  const { readers: count, jobs } = size;
  const server = await startServer({ contender, topics: jobs, peers });
  try {
    const begun = performance.now();
    const one = { count, atOnce: Math.min(AT_ONCE, count) };
    const audience = await openReaders(server.port, () => pathOf(0), one);
    const connects = (count * 1_000) / (performance.now() - begun);
    const wide = await saturate(server, audience, { topics: 1 }, size);
    const samplesMs = await measureLatency(server, audience, size);
    await closeAll(server, audience);
    const spreadOut = await openReaders(server.port, (index) => pathOf(index % jobs), one);
    const load = { topics: jobs, perTurn: jobs / 5 };
    const narrow = await saturate(server, spreadOut, load, size);
    await closeAll(server, spreadOut);
    const cycles = await measureCycles(server, size);
    return {
      wide,
      narrow,
      p50: quantile(samplesMs, 0.5),
      p99: quantile(samplesMs, 0.99),
      connects,
      cycles,
    };
  } finally {
    await server.end();
  }
}

/** The bytes by which a server's process grows while streams are open. */
export async function growth(
  server: BenchServer,
  open: () => Promise<Readers>,
  restMs: number,
): Promise<number> {
  await server.ask({ gc: true });
  const before = await server.ask({ gc: true });
  const idle = await open();
  await pause(restMs);
  await server.ask({ gc: true });
  const after = await server.ask({ gc: true });
  idle.close();
  return after.rss - before.rss;
}

/** Bytes of the process per idle stream. */
export async function measureMemory(
  contender: ContenderName,
  { idle: count, warmUpMs }: FanOutSize,
  peers?: string,
): Promise<number> {
  const jobs = count / 5;
  const server = await startServer({ contender, topics: jobs, peers });
  try {
    const size = { count, atOnce: AT_ONCE };
    const pathAt = (index: number): string => pathOf(index % jobs);
    const open = (): Promise<Readers> => openReaders(server.port, pathAt, size);
    return (await growth(server, open, warmUpMs)) / count;
  } finally {
    await server.end();
  }
}
