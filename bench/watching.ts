// One web process that watches ten thousand jobs through one Redis subscriber: what it takes to begin, to hold, and to tell all of a change.
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import { openStore } from "../conformance/stores/open-store.js";
import { printTable, round } from "./lib/figures.js";
import { PLACES } from "./lib/places.js";
import { openStream, startWeb } from "./lib/processes.js";

const JOBS = 10_000;
const AT_ONCE = 200;
const REST_MS = 20_000;

interface Usage {
  readonly rss: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly streams: number;
}

const { place, stop } = await PLACES.redis();
if (place.kind !== "redis") throw new Error("This benchmark is of Redis.");
const { store, close } = await openStore(place);
const admin = await createClient({ url: place.url }).connect();
const web = await startWeb(place);

async function usage(): Promise<Usage> {
  const answer = web.next<Usage>((said) => said.rss !== undefined);
  web.child.send("usage");
  return answer;
}

async function inTurns(run: (by: number) => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  for (let from = 0; from < JOBS; from += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, by) => run(from + by)));
  return performance.now() - begun;
}

await inTurns((by) =>
  store.create({ id: `job-${by}`, set: { kind: "video", status: "running", attempt: 1 } }),
);
const idle = await usage();
const stops: (() => void)[] = [];
let heard = 0;
let allHeard = (): void => {};
const openMs = await inTurns(async (by) => {
  const streamStop = await openStream(web.port, `job-${by}`, (text) => {
    if (!text.includes('"metadata.told"')) return;
    heard += 1;
    if (heard === JOBS) allHeard();
  });
  stops.push(streamStop);
});
const open = await usage();
await pause(REST_MS);
const rested = await usage();
const cpuMs = (rested.cpu.user + rested.cpu.system - open.cpu.user - open.cpu.system) / 1_000;
const clients = (await admin.sendCommand(["CLIENT", "LIST"])).toString().trim().split("\n");
const subscribers = clients.filter((line) => / sub=[1-9]| ssub=[1-9]/u.test(line)).length;
const told = new Promise<void>((resolve) => {
  allHeard = resolve;
});
const begun = performance.now();
await inTurns((by) => store.write(`job-${by}`, { set: { "metadata.told": true }, log: [] }));
await told;
const toldMs = performance.now() - begun;

printTable(
  `One web process, ${JOBS.toLocaleString("en")} watched jobs with a reader each, Redis`,
  ["what", "figure"],
  [
    ["connections that subscribe", `${subscribers}`],
    ["to open all streams", `${round(openMs / 1_000)} s`],
    ["memory per watched job and its stream", `${round((open.rss - idle.rss) / JOBS / 1_024)} KiB`],
    [`CPU at rest, over ${REST_MS / 1_000} s`, `${round((100 * cpuMs) / REST_MS, 1)} % of a core`],
    [
      "a change of each job, until every reader has it",
      `${round(toldMs / 1_000)} s (${round((JOBS * 1_000) / toldMs)} a second)`,
    ],
  ],
);
for (const streamStop of stops) streamStop();
await web.end();
admin.destroy();
await close();
await stop();
