// One web process that watches ten thousand jobs through one Redis subscriber: what opening the streams, keeping them
// open and one change of each job cost.
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import { openStore } from "../conformance/stores/open-store.js";
import { BACKENDS } from "./lib/backends.js";
import { printTable, round } from "./lib/figures.js";
import { openStream, startWeb } from "./lib/processes.js";

const JOBS = 10_000;
const AT_ONCE = 200;
const REST_MS = 20_000;

interface Usage {
  readonly rss: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly streams: number;
}

const { address, stop } = await BACKENDS.redis();
if (address.kind !== "redis") throw new Error("This benchmark needs Redis.");
const { store, close } = await openStore(address);
const admin = await createClient({ url: address.url }).connect();
const web = await startWeb(address);

async function usage(): Promise<Usage> {
  const answer = web.next<Usage>((message) => message.rss !== undefined);
  web.child.send("usage");
  return answer;
}

/** Runs for each job, {@link AT_ONCE} at a time. Returns the milliseconds that it took. */
async function forEachJob(run: (index: number) => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  for (let from = 0; from < JOBS; from += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => run(from + index)));
  return performance.now() - begun;
}

await forEachJob((index) =>
  store.create({ id: `job-${index}`, set: { kind: "video", status: "running", attempt: 1 } }),
);
const idle = await usage();
const stops: (() => void)[] = [];
let changed = 0;
let onAllChanged = (): void => {};
const openMs = await forEachJob(async (index) => {
  const streamStop = await openStream(web.port, `job-${index}`, (text) => {
    if (!text.includes('"metadata.changed"')) return;
    changed += 1;
    if (changed === JOBS) onAllChanged();
  });
  stops.push(streamStop);
});
const open = await usage();
await pause(REST_MS);
const rested = await usage();
const cpuMs = (rested.cpu.user + rested.cpu.system - open.cpu.user - open.cpu.system) / 1_000;
const clients = (await admin.sendCommand(["CLIENT", "LIST"])).toString().trim().split("\n");
const subscribers = clients.filter((line) => / sub=[1-9]| ssub=[1-9]/u.test(line)).length;
const allChanged = new Promise<void>((resolve) => {
  onAllChanged = resolve;
});
const begun = performance.now();
await forEachJob((index) =>
  store.write(`job-${index}`, { set: { "metadata.changed": true }, log: [] }),
);
await allChanged;
const changeMs = performance.now() - begun;

printTable(
  `One web process, ${JOBS.toLocaleString("en")} watched jobs with a reader each, Redis`,
  ["", "result"],
  [
    ["connections with a subscription", `${subscribers}`],
    ["time to open all streams", `${round(openMs / 1_000)} s`],
    [
      "memory per watched job with its stream",
      `${round((open.rss - idle.rss) / JOBS / 1_024)} KiB`,
    ],
    [
      `CPU without changes, over ${REST_MS / 1_000} s`,
      `${round((100 * cpuMs) / REST_MS, 1)} % of a core`,
    ],
    [
      "one change of each job, until every reader has it",
      `${round(changeMs / 1_000)} s (${round((JOBS * 1_000) / changeMs)} a second)`,
    ],
  ],
);
for (const streamStop of stops) streamStop();
await web.end();
admin.destroy();
await close();
await stop();
