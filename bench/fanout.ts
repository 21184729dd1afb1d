// The cost of one event that is sent to many readers, compared with loops written by hand and with other libraries.
// Each server runs in a process of its own on one core, and this process reads its streams on another one.
import { pinLoad } from "./lib/cores.js";
import { type FanOutSize, type Figures, measure, measureMemory } from "./lib/fan-out/measure.js";
import { installPeers, PEER_VERSIONS } from "./lib/fan-out/peers.js";
import type { ContenderName } from "./lib/fan-out/server.js";
import { printFanOut } from "./lib/fan-out/tables.js";
import { printMachine, requireFiles } from "./lib/machine.js";
import { readOptions } from "./lib/options.mjs";

const { smoke, rounds, servers } = readOptions(process.argv.slice(2));
const LOOPS: readonly ContenderName[] = ["plain", "socket"];
const OURS: readonly ContenderName[] = smoke
  ? ["node", "fetch"]
  : ["node", "express", "fastify", "fetch"];
const PEERS: readonly ContenderName[] = smoke ? [] : ["better-sse", "@fastify/sse"];
const SIZE: FanOutSize = smoke
  ? { readers: 40, jobs: 8, idle: 100, warmUpMs: 20, measuredMs: 100 }
  : { readers: 1_000, jobs: 200, idle: 10_000, warmUpMs: 400, measuredMs: 1_500 };

requireFiles(SIZE.idle + 200);
pinLoad();
const names = namesOf();
const peers = names.some((name) => PEERS.includes(name)) ? installPeers() : undefined;
const measured = peers ? names : names.filter((name) => !PEERS.includes(name));
const figures = new Map<ContenderName, Figures[]>(measured.map((name) => [name, []]));
const memory = new Map<ContenderName, number>();
try {
  // In each round all servers are measured, so that other work of the machine affects them alike.
  for (let round = 0; round < rounds; round += 1)
    for (const [name, own] of figures) own.push(await measure(name, SIZE, peers?.path));
  for (const name of measured) memory.set(name, await measureMemory(name, SIZE, peers?.path));
} finally {
  peers?.remove();
}

printMachine(peers && PEER_VERSIONS);
printFanOut({ size: SIZE, rounds, figures, memory });

/** The loops, because the others are compared with them, and the servers of `--servers`. */
function namesOf(): readonly ContenderName[] {
  const others = [...OURS, ...PEERS];
  const unknown = servers?.find((name) => ![...LOOPS, ...others].some((known) => known === name));
  if (unknown !== undefined)
    throw new RangeError(`--servers has ${unknown}. The servers are ${others.join(", ")}.`);
  return [...LOOPS, ...others.filter((name) => servers?.includes(name) ?? true)];
}
