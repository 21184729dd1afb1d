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

/** The directory of the package, with its built programs. */
const ROOT = new URL("../../", import.meta.url);

/** Short, so that a dead worker is noticed soon, but long enough for a busy machine. */
const QUICK = { LOCK_MS: "2500", STALLED_CHECK_MS: "500", LEASE_MS: "4000" } as const;

/** The cluster of one test. */
export interface TestCluster extends Cluster {
  /** The store as another process sees it. */
  readonly store: ProgressStore;
  /** The lines that the processes printed. */
  readonly lines: readonly string[];
}

/** Starts two web processes and two workers behind nginx, on free ports. They are stopped with the test. */
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
    const { webs, workers, nginx, redis } = cluster;
    const children = [...webs, ...workers, nginx, ...(redis === undefined ? [] : [redis])];
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
  });
  const settings = settingsFrom({ ...all, REDIS_URL: cluster.redisUrl });
  const { store, close } = openStore(settings, () => {});
  onTestFinished(close);
  return { ...cluster, store, lines };
}

/** Requests a video. nginx chooses the web process. */
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

/** Opens several viewers of one job. nginx gives each stream to the web process with the fewest, so both have some. */
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

/**
 * Expects that a viewer received the state of the store, each log line once and in order, one end, and a percent that
 * fell only when a new attempt began.
 */
export async function expectCorrect(
  store: ProgressStore,
  jobId: string,
  record: Record,
): Promise<void> {
  const stored = await store.read(jobId);
  if (stored === undefined) throw new Error(`The store has no job ${jobId}.`);
  const { etaMs: _, ...expected } = stateOf(jobId, stored.set, 0);
  expect(record.job).toMatchObject(expected);
  expect(Object.keys(record.job?.steps ?? {}).sort()).toEqual(Object.keys(expected.steps).sort());
  expect(record.log).toEqual(stored.log);
  expect(record.ends).toBe(1);
  expect(record.resets).toBe(0);
  const percents = record.percents.filter((percent) => percent !== null);
  const falls = percents.filter((percent, index) => percent < (percents[index - 1] ?? 0));
  expect(falls.length).toBeLessThanOrEqual(expected.attempt - 1);
}

/** The child processes of a process. Those of a worker are its pipelines. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,stat="]);
  return stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, parent, state]) => Number(parent) === pid && !state?.startsWith("Z"))
    .map(([child]) => Number(child));
}

/** Whether a process is running. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
