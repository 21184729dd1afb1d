import type { Progress } from "@emlinh/progress-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { startFaultProxy } from "../faults/fault-proxy.js";
import { playJob } from "../faults/play-job.js";
import { openManySite } from "./many-site.js";
import { expectOnce, NEVER_MS, openReader, SUBJECT } from "./reader.js";
import type { SseClient } from "./sse-client.js";

const PLAN = ["speech", "render"];
const TEST_MS = 4 * NEVER_MS;

/** The tests of one client. */
export function followMany(client: SseClient): void {
  describe.skipIf(client.missing !== undefined)(`many jobs over ${client.name}`, () => {
    test(
      "given jobs that come, change, end and go, and cut connections, shows the state of each",
      { timeout: TEST_MS },
      () => followCuts(client),
    );
    test(
      "given streams that are cut inside frames, shows the state of each job",
      { timeout: TEST_MS },
      () => followCutFrames(client),
    );
    test(
      "given stale cursors, gets snapshots and shows the state of each job",
      { timeout: TEST_MS },
      () => sendStaleCursors(client),
    );
    test.skipIf(!client.setsHeaders)(
      "given a Last-Event-ID, the server ignores it",
      { timeout: TEST_MS },
      () => sendLastEventId(client),
    );
  });
}

async function followCuts(client: SseClient): Promise<void> {
  const site = await openManySite();
  const { progress } = site;
  for (const id of ["both", "listed", "old"]) await create(progress, id, SUBJECT);
  for (const id of ["named", "other"]) await create(progress, id, "user:43");
  const reader = await openReader(client, site, { named: ["both", "named"] });
  await reader.untilNamed("ready");
  await reader.untilRight();

  const worker = await progress.open("both");
  await create(progress, "new", SUBJECT);
  await playJob(progress, "listed");
  await progress.cancel("old");
  await progress.update("named", { message: "line 1\nline 2\r\n\u2028 🎬" });
  await reader.untilRight();
  await progress.remove("old");
  await reader.untilRight();

  // Some of these changes are on their way when the connections are cut.
  for (let n = 1; n <= 30; n += 1) {
    worker.update({ message: `${n}`, metadata: { n } });
    worker.log(`line ${n}`);
    await worker.flush();
    if (n === 15) await site.cut(async () => {});
  }
  await reader.untilNamed("ready", 2);
  await reader.untilRight();

  await site.cut(async () => {
    await progress.cancel("named");
    await progress.remove("named");
    await progress.remove("listed");
    await create(progress, "newest", SUBJECT);
    await playJob(progress, "new");
    worker.log("meanwhile");
    await worker.flush();
  });
  await reader.untilNamed("ready", 3);
  await reader.untilRight();

  await playJob(progress, "newest");
  await worker.complete({ videoUrl: "/v.mp4" });
  await reader.untilRight();
  expect(reader.view()).toMatchObject({
    listed: ["newest", "new", "both"],
    refused: { named: "job-expired" },
  });
  expect(site.lastEventIds).toEqual([]);
  if (client.sendsCursors) expectOnce(reader);
  await reader.close();
  await expect.poll(() => progress.metrics().streams, { timeout: NEVER_MS }).toBe(0);
}

async function followCutFrames(client: SseClient): Promise<void> {
  const site = await openManySite();
  const { progress } = site;
  const proxy = await startFaultProxy(() => site.baseUrl);
  onTestFinished(proxy.close);
  proxy.setFaults(({ stream, index }) =>
    stream && index < 12 ? { kind: "cut", afterBytes: 300 + 211 * index } : { kind: "pass" },
  );
  const ids = ["a", "b", "c"];
  for (const id of ids) await create(progress, id, SUBJECT);
  await playJob(progress, "a");
  const baseUrl = `${proxy.url}${new URL(site.baseUrl).pathname}`;
  const reader = await openReader(client, { ...site, baseUrl }, { named: ["a"] });
  for (const id of ["b", "c"]) await playJob(progress, id);
  await reader.untilRight();
  expect(proxy.requests.filter(({ stream }) => stream).length).toBeGreaterThan(3);
  if (client.sendsCursors) expectOnce(reader);
}

async function sendStaleCursors(client: SseClient): Promise<void> {
  const site = await openManySite();
  const { progress } = site;
  const named = ["foreign", "future", "malformed"];
  for (const id of named) await create(progress, id);
  await create(progress, "listed", SUBJECT);
  // More versions than the foreign cursors have, so that these are not from the future too.
  for (let n = 1; n <= 9; n += 1)
    for (const id of [...named, "listed"])
      await progress.update(id, { metadata: { [`of${n}`]: n } });
  const { cursor = "" } = (await progress.status("future")) ?? {};
  const future = cursor.replace(/\d+$/, "999999");
  const query = [
    ...["job=foreign@wrong.5", `job=future@${future}`, "job=malformed@5"],
    ...[`subject=${SUBJECT}`, "after=listed@wrong.5"],
  ];
  const reader = await openReader(client, site, { named, query: query.join("&") });
  await reader.untilNamed("ready");
  await reader.untilRight();
  const snapshots = [...named, "listed"].map((id) => `snapshot ${id}`);
  expect(reader.names.slice(0, 7)).toEqual(["hello", "listed", ...snapshots, "ready"]);
  for (const id of named) await progress.cancel(id);
  await reader.untilRight();
}

async function sendLastEventId(client: SseClient): Promise<void> {
  const site = await openManySite();
  const { progress } = site;
  await create(progress, "named");
  await progress.update("named", { message: "m" });
  const { cursor = "" } = (await progress.status("named")) ?? {};
  const headers = { "Last-Event-ID": cursor };
  const reader = await openReader(client, site, { named: ["named"], headers });
  await reader.untilNamed("ready");
  await reader.untilRight();
  expect(site.lastEventIds).toEqual([cursor]);
  expect(reader.names.slice(0, 4)).toEqual(["hello", "listed", "snapshot named", "ready"]);
}

async function create(progress: Progress, id: string, ...subjects: string[]): Promise<void> {
  await progress.create({ kind: "video", id, plan: PLAN, subjects });
}
