// The cost of one event that is sent to many readers, compared with loops written by hand and with other libraries. Each
// server runs in a process of its own on one core, and this process reads its streams on another one.
import { setTimeout as pause } from "node:timers/promises";
import { pinLoad } from "./lib/cores.js";
import { pathOf } from "./lib/fan-out/contender.js";
import { installPeers, PEER_VERSIONS } from "./lib/fan-out/peers.js";
import type { Load } from "./lib/fan-out/publisher.js";
import { closeReader, openReader, openReaders, type Readers } from "./lib/fan-out/readers.js";
import { type BenchServer, type ContenderName, startServer } from "./lib/fan-out/server.js";
import { median, printTable, quantile, ratios, round, spread } from "./lib/figures.js";
import { printMachine, requireFiles } from "./lib/machine.js";
import { readOptions } from "./lib/options.mjs";

const { smoke, rounds: ROUNDS } = readOptions(process.argv.slice(2));
const READERS = smoke ? 40 : 1_000;
const JOBS = smoke ? 8 : 200;
const IDLE = smoke ? 100 : 10_000;
const JOBS_PER_TURN = JOBS / 5;
const AT_ONCE = 64;
const CYCLES_AT_ONCE = 50;
const WARM_UP_MS = smoke ? 20 : 400;
const MEASURED_MS = smoke ? 100 : 1_500;
/** Nothing arrives for this long when everything has arrived. */
const SETTLE_MS = 50;
/** 20 events a second for each reader. */
const EVENTS_PER_SECOND = 20;

/** The figures of saturated readers. */
interface Saturated {
  /** Microseconds of the server's CPU per event that arrived. */
  readonly cpuUs: number;
  readonly perSecond: number;
  /** The share of the events that the readers did not get one by one, but merged. */
  readonly merged: number;
}

/** The figures of one server in one round. */
interface Figures {
  readonly wide: Saturated;
  readonly narrow: Saturated;
  readonly p50: number;
  readonly p99: number;
  readonly connects: number;
  readonly cycles: number;
}

/**
 * Publishes as fast as the readers take it, and waits until everything has arrived: the CPU of all that was sent is
 * divided by all that arrived, however much waits in the buffers of the kernel.
 */
async function saturate(server: BenchServer, readers: Readers, load: Load): Promise<Saturated> {
  await publishFor(WARM_UP_MS, server, readers, load);
  const before = await server.ask();
  const begun = { at: performance.now(), frames: readers.frames(), missed: readers.missed() };
  readers.latenciesMs.length = 0;
  const arrivedAt = await publishFor(MEASURED_MS, server, readers, load);
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
  let [frames, arrivedAt] = [readers.frames(), performance.now()];
  for (;;) {
    await pause(SETTLE_MS);
    const { maxQueuedBytes } = await server.ask();
    if (readers.frames() === frames && maxQueuedBytes === 0) return arrivedAt;
    [frames, arrivedAt] = [readers.frames(), performance.now()];
  }
}

/** Milliseconds from an event to its readers, while events come at a rate that every server can keep. */
async function measureLatency(server: BenchServer, readers: Readers): Promise<readonly number[]> {
  const load = { topics: 1, perSecond: EVENTS_PER_SECOND };
  await publishFor(WARM_UP_MS, server, readers, load);
  readers.latenciesMs.length = 0;
  await publishFor(MEASURED_MS, server, readers, load);
  return [...readers.latenciesMs];
}

/** Streams a second that are opened, read until the first event and closed. */
async function measureCycles(server: BenchServer): Promise<number> {
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
  await pause(WARM_UP_MS);
  const begun = { at: performance.now(), cycles };
  await pause(MEASURED_MS);
  const perSecond = ((cycles - begun.cycles) * 1_000) / (performance.now() - begun.at);
  isOver = true;
  await server.ask({ stop: true });
  return perSecond;
}

/** Closes streams, and resolves when the server has noticed it. */
async function closeAll(server: BenchServer, readers: Readers): Promise<void> {
  readers.close();
  while ((await server.ask()).sockets > 0) await pause(10);
}

async function measure(contender: ContenderName, peers: string | undefined): Promise<Figures> {
  const server = await startServer({ contender, topics: JOBS, peers });
  try {
    const begun = performance.now();
    const one = { count: READERS, atOnce: Math.min(AT_ONCE, READERS) };
    const audience = await openReaders(server.port, () => pathOf(0), one);
    const connects = (READERS * 1_000) / (performance.now() - begun);
    const wide = await saturate(server, audience, { topics: 1 });
    const samplesMs = await measureLatency(server, audience);
    await closeAll(server, audience);
    const spreadOut = await openReaders(server.port, (index) => pathOf(index % JOBS), one);
    const narrow = await saturate(server, spreadOut, { topics: JOBS, perTurn: JOBS_PER_TURN });
    await closeAll(server, spreadOut);
    const cycles = await measureCycles(server);
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

/** Bytes of the process per idle stream. */
async function measureMemory(contender: ContenderName, peers: string | undefined): Promise<number> {
  const server = await startServer({ contender, topics: IDLE / 5, peers });
  try {
    await server.ask({ gc: true });
    const before = await server.ask({ gc: true });
    const idle = await openReaders(server.port, (index) => pathOf(index % (IDLE / 5)), {
      count: IDLE,
      atOnce: AT_ONCE,
    });
    await pause(WARM_UP_MS);
    await server.ask({ gc: true });
    const after = await server.ask({ gc: true });
    idle.close();
    return (after.rss - before.rss) / IDLE;
  } finally {
    await server.end();
  }
}

requireFiles(IDLE + 200);
pinLoad();
const folder = smoke ? undefined : installPeers();
const names: readonly ContenderName[] = smoke
  ? ["plain", "socket", "node", "fetch"]
  : [
      ...(["plain", "socket", "node", "express", "fastify", "fetch"] as const),
      ...(folder ? (["better-sse", "@fastify/sse"] as const) : []),
    ];
const all = new Map<ContenderName, Figures[]>(names.map((name) => [name, []]));
const memory = new Map<ContenderName, number>();
try {
  // In each round all servers are measured, so that other work of the machine affects them alike.
  for (let index = 0; index < ROUNDS; index += 1)
    for (const [name, figures] of all) figures.push(await measure(name, folder?.path));
  for (const name of names) memory.set(name, await measureMemory(name, folder?.path));
} finally {
  folder?.remove();
}

/** One figure of a server in all rounds. */
function figuresOf(name: ContenderName, select: (figures: Figures) => number): readonly number[] {
  return (all.get(name) ?? []).map(select);
}

const labelOf = (name: ContenderName): string =>
  ["plain", "socket", "better-sse", "@fastify/sse"].includes(name) ? name : `ours, ${name}`;

/** A figure in all rounds, and its ratio to that of the plain loop. */
function cells(name: ContenderName, select: (figures: Figures) => number): readonly string[] {
  const own = figuresOf(name, select);
  return [spread(own, 1), spread(ratios(own, figuresOf("plain", select)))];
}

function printSaturated(title: string, select: (figures: Figures) => Saturated): void {
  const cpuOf = (name: ContenderName) => figuresOf(name, (figures) => select(figures).cpuUs);
  printTable(
    title,
    ["server", "CPU per event, µs", "to plain", "to socket", "events/s", "merged"],
    names.map((name) => [
      labelOf(name),
      spread(cpuOf(name), 1),
      // More events for the same CPU give a higher ratio.
      spread(ratios(cpuOf("plain"), cpuOf(name))),
      spread(ratios(cpuOf("socket"), cpuOf(name))),
      round(median(figuresOf(name, (figures) => select(figures).perSecond))),
      `${(100 * median(figuresOf(name, (figures) => select(figures).merged))).toFixed(1)} %`,
    ]),
  );
}

printMachine(folder && PEER_VERSIONS);
const inRounds = `medians of ${ROUNDS} rounds, with min–max`;
printSaturated(
  `1 job × ${READERS.toLocaleString("en")} viewers, saturated (${inRounds})`,
  ({ wide }) => wide,
);
printSaturated(
  `${JOBS} jobs × ${READERS / JOBS} viewers, saturated (${inRounds})`,
  ({ narrow }) => narrow,
);
printTable(
  `Latency at ${(READERS * EVENTS_PER_SECOND).toLocaleString("en")} deliveries/s (${inRounds})`,
  ["server", "p50, ms", "to plain", "p99, ms", "to plain"],
  names.map((name) => [
    labelOf(name),
    ...cells(name, ({ p50 }) => p50),
    ...cells(name, ({ p99 }) => p99),
  ]),
);
printTable(
  `Connections (${inRounds})`,
  ["server", "connects/s, cold", "to plain", "open, event, close: cycles/s", "to plain"],
  names.map((name) => [
    labelOf(name),
    ...cells(name, ({ connects }) => connects),
    ...cells(name, ({ cycles }) => cycles),
  ]),
);
const memoryOf = (name: ContenderName): number => memory.get(name) ?? Number.NaN;
printTable(
  `Memory per idle stream, ${IDLE.toLocaleString("en")} streams of ${(IDLE / 5).toLocaleString("en")} jobs (one round)`,
  ["server", "kB", "to plain"],
  names.map((name) => [
    labelOf(name),
    round(memoryOf(name) / 1_000, 1),
    round(memoryOf(name) / memoryOf("plain")),
  ]),
);
