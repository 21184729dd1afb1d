import { setTimeout as pause } from "node:timers/promises";
import { pathOf } from "../fan-out/contender.js";
import { openReaders, type Reader } from "../fan-out/readers.js";
import { type BenchServer, type ContenderName, startServer } from "../fan-out/server.js";
import { quantile } from "../figures.js";

/** How many readers stop reading, and for how long. */
export interface StallSize {
  readonly readers: number;
  /** At most a quarter of the readers. */
  readonly stalled: number;
  readonly perSecond: number;
  /** Added to the size of each event, so that the buffers of the kernel are filled. */
  readonly extraBytes: number;
  readonly stallMs: number;
  readonly restMs: number;
}

/** One part of the time: before, while or after some readers are stalled. */
export interface StallPhase {
  readonly name: string;
  /** Milliseconds from an event to the readers that go on. */
  readonly p50: number;
  readonly p99: number;
  /** Bytes that wait in the process for the slowest stream, at most. */
  readonly maxQueuedBytes: number;
  /** Bytes of the process at the end. */
  readonly rss: number;
  /** Streams at the end. */
  readonly streams: number;
}

/** How often the queues are looked at. */
const LOOK_MS = 250;

/** Lets some of the readers of one job stop reading, and measures the others. */
export async function measureStall(
  contender: ContenderName,
  size: StallSize,
): Promise<readonly StallPhase[]> {
  const { readers: count, perSecond, extraBytes, stallMs, restMs } = size;
  const server = await startServer({ contender, topics: 1 });
  try {
    const open = (some: number) =>
      openReaders(server.port, () => pathOf(0), { count: some, atOnce: Math.min(64, some) });
    const readers = await open(count);
    const look = (name: string, ms: number) => phase(server, readers.latenciesMs, name, ms);
    await server.ask({ start: { topics: 1, perSecond, extraBytes } });
    await pause(restMs / 5);
    const before = await look("before", restMs);
    // The readers of the sample go on: each of them has an even number.
    const stalled = readers.all.filter((_, index) => index % 4 === 1).slice(0, size.stalled);
    for (const { socket } of stalled) socket.pause();
    const during = await look("while some are stalled", stallMs);
    for (const { socket } of stalled) socket.resume();
    const gone = await goneOf(stalled, restMs / 2);
    // As pages do, those that the server has closed come back.
    if (gone > 0) await open(gone);
    const after = await look("after", restMs);
    await server.ask({ stop: true });
    return [before, during, after];
  } finally {
    await server.end();
  }
}

async function phase(
  server: BenchServer,
  latenciesMs: number[],
  name: string,
  ms: number,
): Promise<StallPhase> {
  latenciesMs.length = 0;
  let maxQueuedBytes = 0;
  for (const until = performance.now() + ms; performance.now() < until; ) {
    await pause(Math.min(LOOK_MS, ms));
    maxQueuedBytes = Math.max(maxQueuedBytes, (await server.ask()).maxQueuedBytes);
  }
  const { rss, sockets } = await server.ask({ gc: true });
  return {
    name,
    p50: quantile(latenciesMs, 0.5),
    p99: quantile(latenciesMs, 0.99),
    maxQueuedBytes,
    rss,
    streams: sockets,
  };
}

/**
 * The number of streams that the server has closed. A stalled reader notices that when it has read what came before,
 * and the others need the time too, because the readers share a process.
 */
async function goneOf(stalled: readonly Reader[], waitMs: number): Promise<number> {
  await pause(waitMs);
  return stalled.filter(({ socket }) => socket.destroyed).length;
}
