import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stateOf } from "@emlinh/progress-protocol";
import type { ProgressStore } from "@emlinh/progress-server";
import { CREATE_PATH, PROGRESS_PATH } from "@emlinh/video-studio/src/shared/addresses.js";
import type {
  CreateVideoBody,
  CreateVideoReply,
} from "@emlinh/video-studio/src/shared/create-video.js";
import { expect, onTestFinished } from "vitest";
import type { Record } from "../../../../conformance/faults/record.js";
import { openNodeViewer, type Viewer } from "../../../../conformance/faults/viewer.js";
import { type Cluster, launchCluster } from "../../src/launcher/cluster.js";
import { settingsFrom } from "../../src/settings.js";
import { openStore } from "../../src/store.js";

const run = promisify(execFile);

/** The package, with what is built of it. */
const ROOT = new URL("../../", import.meta.url);

/** Short, so that a death shows soon; and longer than a busy machine lets one wait for its turn. */
const QUICK = { LOCK_MS: "2500", STALLED_CHECK_MS: "500", LEASE_MS: "4000" } as const;

/** A cluster of a test's own. */
export interface TestCluster extends Cluster {
  /** As another process sees it. */
  readonly store: ProgressStore;
  /** All that the processes printed. */
  readonly lines: readonly string[];
}

/** Starts two web processes and two workers behind nginx, on free ports. They end with the test, and leave nothing. */
export async function startCluster(env: NodeJS.ProcessEnv): Promise<TestCluster> {
  const videoDir = await mkdtemp(join(tmpdir(), "video-studio-cluster-videos-"));
  onTestFinished(() => rm(videoDir, { recursive: true, force: true }));
  const lines: string[] = [];
  const all = { ...process.env, ...QUICK, ...env, VIDEO_DIR: videoDir };
  const cluster = await launchCluster({
    env: all,
    host: "127.0.0.1",
    port: 0,
    webs: 2,
    workers: 2,
    root: ROOT,
    onLine: (name, line) => lines.push(`${name}: ${line}`),
  });
  onTestFinished(async () => {
    await cluster.stop();
    const children = [...cluster.webs, ...cluster.workers];
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
  });
  const settings = settingsFrom({ ...all, REDIS_URL: cluster.redisUrl });
  const { store, close } = openStore(settings, () => {});
  onTestFinished(close);
  return { ...cluster, store, lines };
}

/** Asks for a video, at whichever web process nginx chooses. */
export async function createVideo(
  { url }: Cluster,
  body: Partial<CreateVideoBody>,
): Promise<CreateVideoReply> {
  const response = await fetch(new URL(CREATE_PATH, url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as CreateVideoReply;
}

/** Several viewers of one job. Nginx gives each stream to the web process with the fewest: they are at both. */
export function openViewers(
  { url }: Cluster,
  jobId: string,
  count: number,
): Promise<readonly Viewer[]> {
  const options = { baseUrl: new URL(PROGRESS_PATH, url).href };
  return Promise.all(
    Array.from({ length: count }, async () => {
      const viewer = await openNodeViewer(jobId, options);
      onTestFinished(() => viewer.close());
      return viewer;
    }),
  );
}

/** That a viewer was told the truth: the store's state, each line once and in order, one end, and a bar that fell only where a new attempt began. */
export async function expectRight(
  store: ProgressStore,
  jobId: string,
  record: Record,
): Promise<void> {
  const stored = await store.read(jobId);
  if (stored === undefined) throw new Error(`The store has no job ${jobId}.`);
  const { etaMs: _, ...truth } = stateOf(jobId, stored.set, 0);
  expect(record.job).toMatchObject(truth);
  expect(Object.keys(record.job?.steps ?? {}).sort()).toEqual(Object.keys(truth.steps).sort());
  expect(record.log).toEqual(stored.log);
  expect(record.ends).toBe(1);
  expect(record.resets).toBe(0);
  const percents = record.percents.filter((percent) => percent !== null);
  const falls = percents.filter((percent, index) => percent < (percents[index - 1] ?? 0));
  expect(falls.length).toBeLessThanOrEqual(truth.attempt - 1);
}

/** The children of a process: those of a worker are the pipelines that it started. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,stat="]);
  return stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, parent, state]) => Number(parent) === pid && !state?.startsWith("Z"))
    .map(([child]) => Number(child));
}

/** Whether a process lives. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
