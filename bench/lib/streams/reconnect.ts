import { pathOf } from "../fan-out/contender.js";
import { closeReader, openReader, openReaders, type Reader } from "../fan-out/readers.js";
import { type ContenderName, startServer } from "../fan-out/server.js";
import { quantile } from "../figures.js";

/** How all viewers come back at once. */
export interface ReconnectSize {
  readonly viewers: number;
  readonly rounds: number;
}

/** One return of all viewers. */
export interface Reconnect {
  readonly perSecond: number;
  /** Milliseconds from the loss of all connections to the first byte of a new one. */
  readonly p50: number;
  readonly p99: number;
}

/** Connections that are being opened at any time. More would overflow the kernel's queue of connections. */
const AT_ONCE = 1_000;

/** Resets all connections of a server and opens them again, several times. */
export async function measureReconnect(
  contender: ContenderName,
  { viewers, rounds }: ReconnectSize,
): Promise<readonly Reconnect[]> {
  const topics = viewers / 5;
  const pathAt = (index: number) => pathOf(index % topics);
  const server = await startServer({ contender, topics });
  try {
    const first = { count: viewers, atOnce: Math.min(AT_ONCE, viewers) };
    let open: readonly Reader[] = (await openReaders(server.port, pathAt, first)).all;
    const results: Reconnect[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const begun = performance.now();
      for (const reader of open) closeReader(reader);
      const returned = await reopen(server.port, pathAt, viewers);
      open = returned.readers;
      const samplesMs = returned.openedAt.map((at) => at - begun);
      results.push({
        perSecond: (viewers * 1_000) / Math.max(...samplesMs),
        p50: quantile(samplesMs, 0.5),
        p99: quantile(samplesMs, 0.99),
      });
    }
    return results;
  } finally {
    await server.end();
  }
}

function reopen(
  port: number,
  pathAt: (index: number) => string,
  viewers: number,
): Promise<{ readonly readers: readonly Reader[]; readonly openedAt: readonly number[] }> {
  const readers: Reader[] = [];
  const openedAt: number[] = [];
  return new Promise((resolve) => {
    const openNext = (): void => {
      if (readers.length === viewers) return;
      readers.push(
        openReader({
          port,
          path: pathAt(readers.length),
          onOpen() {
            openedAt.push(performance.now());
            if (openedAt.length === viewers) resolve({ readers, openedAt });
            else openNext();
          },
        }),
      );
    };
    for (let index = 0; index < Math.min(AT_ONCE, viewers); index += 1) openNext();
  });
}
