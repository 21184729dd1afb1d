// Streams in difficult hours: all viewers reconnect at once, a reader joins a job with a long history, readers stop
// reading, and a worker reports far more than is sent.
import { pinLoad } from "./lib/cores.js";
import { printTable, round, spread } from "./lib/figures.js";
import { printMachine, requireFiles } from "./lib/machine.js";
import { readOptions } from "./lib/options.mjs";
import { measureJoins } from "./lib/streams/join.js";
import { measureReconnect, type Reconnect } from "./lib/streams/reconnect.js";
import { measureStall, type StallPhase } from "./lib/streams/stall.js";
import { measureUpdates } from "./lib/streams/update.js";

const { smoke, rounds: ROUNDS, stallSeconds } = readOptions(process.argv.slice(2));
const VIEWERS = smoke ? 100 : 10_000;
const UPDATES = smoke ? [10, 1_000] : [10, 1_000_000];
const JOINS = smoke ? 5 : 200;
const CALLS = smoke ? 10_000 : 250_000;
const STALL = {
  readers: smoke ? 40 : 1_000,
  stalled: smoke ? 8 : 200,
  perSecond: 10,
  // The buffers of the kernel take about 4 MB per stream, which are full after half a minute.
  extraBytes: 16_000,
  stallMs: stallSeconds * 1_000,
  restMs: smoke ? 300 : 8_000,
} as const;

/** The loop by hand beside ours, because the kernel and the load are the same for both. */
const SERVERS = ["plain", "node"] as const;
const labelOf = (name: string): string => (name === "plain" ? name : `ours, ${name}`);

const count = (value: number): string => value.toLocaleString("en");

requireFiles(VIEWERS + 200);
pinLoad();
const reconnects: (readonly [server: string, rounds: readonly Reconnect[]])[] = [];
for (const name of SERVERS) {
  const rounds = await measureReconnect(name, { viewers: VIEWERS, rounds: ROUNDS });
  reconnects.push([labelOf(name), rounds]);
}
const joins = await measureJoins(UPDATES, JOINS);
const stalls: (readonly [server: string, phase: StallPhase])[] = [];
for (const name of SERVERS)
  for (const phase of await measureStall(name, STALL)) stalls.push([labelOf(name), phase]);
const updates = await measureUpdates(CALLS, ROUNDS);

printMachine();
printTable(
  `${count(VIEWERS)} viewers of ${count(VIEWERS / 5)} jobs reconnect at once ` +
    `(medians of ${ROUNDS} rounds, with min–max)`,
  ["server", "streams/s", "first byte, p50, ms", "p99, ms"],
  reconnects.map(([server, results]) => [
    server,
    spread(results.map(({ perSecond }) => perSecond)),
    spread(
      results.map(({ p50 }) => p50),
      0,
    ),
    spread(
      results.map(({ p99 }) => p99),
      0,
    ),
  ]),
);
printTable(
  `Joining a job (medians of ${JOINS} joins)`,
  ["updates before", "bytes until the first snapshot", "time, ms"],
  joins.map(({ updates, bytes, ms }) => [count(updates), count(bytes), round(ms)]),
);
printTable(
  `${count(STALL.readers)} readers of one job, ${STALL.stalled} of which stop reading for ${stallSeconds} s ` +
    `(${STALL.perSecond} events/s of 16 kB)`,
  [
    "server",
    "",
    "others' p50, ms",
    "p99, ms",
    "queued per stream, at most, kB",
    "RSS, MB",
    "streams",
  ],
  stalls.map(([server, { name, p50, p99, maxQueuedBytes, rss, streams }]) => [
    server,
    name,
    round(p50, 1),
    round(p99, 1),
    round(maxQueuedBytes / 1_000, 1),
    round(rss / 1_000_000, 0),
    count(streams),
  ]),
);
printTable(
  `A call that is merged with others (medians of ${ROUNDS} rounds of ${count(CALLS)} calls, with min–max)`,
  ["call", "CPU, ns", "kept on the heap per million calls, bytes"],
  updates.map(({ name, ns, retainedBytes }) => [
    `\`${name}\``,
    spread(ns, 0),
    count(Math.round(retainedBytes)),
  ]),
);
