import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Fields, Json, StepState } from "@emlinh/progress-protocol";
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { build } from "esbuild";
import type { EarlierRun, Recording } from "../../../conformance/eta/recording.js";
import { parseVideoRequest } from "../../../examples/video-studio/src/pipeline/request.js";
import { startVideoWorker } from "../../../examples/video-studio/src/pipeline/start-worker.js";
import { bridgeTo } from "../../../examples/video-studio/src/server/bridge.js";
import { videoSize } from "../../../examples/video-studio/src/server/video-jobs.js";
import { type VideoJob, videoJob } from "../../../examples/video-studio/src/shared/video-job.js";
import { durationsOf } from "../../../packages/server/src/core/learned-plan.js";

/** A video to make, and the share of the time in which its worker may run. */
interface Take {
  readonly conditions: string;
  readonly topic: string;
  /** The requested length, in seconds. */
  readonly duration: number;
  readonly composition?: string;
  /** From 0 to 1, by step; `all` for every step. */
  readonly shares?: Readonly<Record<string, number>>;
}

const TAKES: Readonly<Record<string, Take>> = {
  "short-1": { conditions: "short", topic: "Why is the sky blue?", duration: 5 },
  "short-2": { conditions: "short", topic: "Trà xanh", duration: 8 },
  "long-1": { conditions: "long", topic: "The history of the bicycle", duration: 40 },
  "long-2": { conditions: "long", topic: "Núi lửa", duration: 30, composition: "spotlight" },
  "slow-machine-1": {
    conditions: "a worker that runs a quarter of the time",
    ...{ topic: "Rain", duration: 12, shares: { all: 0.25 } },
  },
  "slow-machine-2": {
    conditions: "a worker that runs half of the time",
    ...{ topic: "Sông Mê Kông", duration: 20, shares: { all: 0.5 } },
  },
  "slow-step-1": {
    conditions: "a voice that runs a tenth of the time",
    ...{ topic: "Coffee", duration: 12, shares: { speech: 0.1 } },
  },
  "slow-step-2": {
    conditions: "drawing and encoding that run a third of the time",
    ...{ topic: "Mèo", duration: 20, shares: { render: 0.33, encode: 0.33 } },
  },
};

const EARLIER_TOPICS = ["Tides", "Núi lửa", "Bread", "Trí tuệ nhân tạo", "Bees", "Mưa", "Glass"];
const EARLIER_SECONDS = [5, 6, 8, 12, 15, 20, 30, 35, 40];

/** The load at which nothing else uses the machine. */
const QUIET_LOAD = 0.5;

/**
 * Makes the videos one after the other, and writes their recordings into a folder. Needs ffmpeg, a machine that does
 * nothing else, and about five minutes.
 *
 * @throws Error on a busy machine: its videos are not like those of a quiet one.
 */
export async function recordVideos(folder: URL): Promise<void> {
  const [load = 0] = loadavg();
  if (load > QUIET_LOAD)
    throw new Error(
      `The load of this machine is ${load.toFixed(1)}; it must be at most ${QUIET_LOAD} for a recording. ` +
        "End other programs, and wait a minute.",
    );
  const workerFile = await buildWorker();
  for (const [name, take] of Object.entries(TAKES)) {
    const { recording } = await record(take, workerFile);
    writeFileSync(new URL(`${name}.json`, folder), textOf(recording));
    process.stdout.write(`${name}: ${recording.durationMs} ms\n`);
  }
  const earlier: EarlierRun[] = [];
  for (let index = 0; index < 27; index += 1) {
    const topic = EARLIER_TOPICS[index % EARLIER_TOPICS.length] ?? "";
    const duration = EARLIER_SECONDS[index % EARLIER_SECONDS.length] ?? 5;
    const { fields } = await record({ conditions: "", topic, duration }, workerFile);
    const size = videoSize({ topic, duration });
    earlier.push({ name: `earlier-${index}`, size, durations: durationsOf(fields) });
    process.stdout.write(`earlier ${index}: ${duration} s\n`);
  }
  const lines = earlier.map((run) => `  ${JSON.stringify(run)}`).join(",\n");
  writeFileSync(new URL("earlier.json", folder), `[\n${lines}\n]\n`);
}

/** Inside the package of the studio, where its imports are resolved. */
async function buildWorker(): Promise<URL> {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const studio = join(root, "examples/video-studio");
  const outfile = join(studio, "node_modules/.cache/eta/worker.mjs");
  await build({
    entryPoints: [join(studio, "src/pipeline/worker.ts")],
    ...{ outfile, bundle: true, platform: "node", format: "esm", target: "node20" },
    ...{ packages: "external", logLevel: "silent" },
  });
  return pathToFileURL(outfile);
}

/** A recording, and all fields of the job as they were at its end. */
interface Recorded {
  readonly recording: Recording;
  readonly fields: Fields;
}

async function record(take: Take, workerFile: URL): Promise<Recorded> {
  const { conditions, topic, duration, composition, shares = {} } = take;
  const store = memoryStore();
  const progress = createProgress({ store, authorize: allowAnyone });
  const { id } = await progress.create({ definition: videoJob });
  const outDir = mkdtempSync(join(tmpdir(), "eta-"));
  const changes: [number, Fields][] = [];
  let cursor: string | undefined;
  let stepNow = "";
  async function readChanges(): Promise<void> {
    const delta = await store.read(id, cursor);
    if (delta === undefined || delta.cursor === cursor) return;
    cursor = delta.cursor;
    changes.push([Number(delta.set.updatedAt), delta.set]);
  }
  const unwatch = await store.watch({ jobId: id }, () => void readChanges());
  const job = await progress.open<VideoJob>(id);
  const report = bridgeTo(job);
  const worker = startVideoWorker(parseVideoRequest({ topic, duration, composition }), {
    ...{ outDir, workerFile },
    onMessage(message) {
      if (message.type === "step-started") stepNow = message.step;
      report(message);
    },
  });
  const release = throttle(worker.pid, () => shares[stepNow] ?? shares.all ?? 1);
  try {
    await worker.result;
    await job.complete({} as never);
    await readChanges();
  } finally {
    release();
    await unwatch();
    await progress.close();
    rmSync(outDir, { recursive: true, force: true });
  }
  const recording = { conditions, size: videoSize({ topic, duration }), ...thinned(changes) };
  return { recording, fields: merged(changes) };
}

const PERIOD_MS = 60;

/** Lets a group of processes run for a share of the time only. It costs the machine nothing. */
function throttle(pid: number | undefined, shareNow: () => number): () => void {
  let timer: NodeJS.Timeout;
  const signal = (name: "SIGSTOP" | "SIGCONT"): void => {
    try {
      if (pid !== undefined) process.kill(-pid, name);
    } catch {
      // The group has exited.
    }
  };
  const run = (): void => {
    signal("SIGCONT");
    const share = shareNow();
    timer = setTimeout(share < 1 ? stop : run, PERIOD_MS * share);
  };
  const stop = (): void => {
    signal("SIGSTOP");
    timer = setTimeout(run, PERIOD_MS * (1 - shareNow()));
  };
  run();
  return () => {
    clearTimeout(timer);
    signal("SIGCONT");
  };
}

/** A running step is kept at each twenty-fifth part, which is about as often as a reader looks. */
const KEPT_PERCENT = 4;

/** The fields that the ETA depends on. */
function thinned(
  changes: readonly (readonly [number, Fields])[],
): Pick<Recording, "durationMs" | "changes"> {
  const all = merged(changes);
  const begunAt = Number(all.startedAt);
  const kept: [number, Fields][] = [];
  const shown = new Map<string, number>();
  for (const [at, fields] of changes) {
    const set: Record<string, Json> = {};
    for (const [field, value] of Object.entries(fields)) {
      if (field === "status" || (field === "plan" && kept.length === 0)) set[field] = value;
      if (!field.startsWith("steps.")) continue;
      const step = value as unknown as StepState;
      const percent = step.percent ?? -1;
      if (step.status === "running" && percent - (shown.get(field) ?? -9) < KEPT_PERCENT) continue;
      shown.set(field, percent);
      set[field] = relative(step, begunAt);
    }
    if (Object.keys(set).length > 0) kept.push([Math.max(0, at - begunAt), set]);
  }
  return { durationMs: Number(all.finishedAt) - begunAt, changes: kept };
}

function merged(changes: readonly (readonly [number, Fields])[]): Fields {
  return Object.assign({}, ...changes.map(([, set]) => set)) as Fields;
}

/** Times as milliseconds since the job's opening. */
function relative({ status, percent, startedAt, finishedAt }: StepState, begunAt: number): Json {
  return {
    status,
    percent: percent === null ? null : Math.round(percent * 10) / 10,
    ...(startedAt !== undefined && { startedAt: startedAt - begunAt }),
    ...(finishedAt !== undefined && { finishedAt: finishedAt - begunAt }),
  };
}

/** One change per line, so that a diff can be read. */
function textOf({ changes, ...rest }: Recording): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -2);
  const lines = changes.map((change) => `    ${JSON.stringify(change)}`).join(",\n");
  return `${head},\n  "changes": [\n${lines}\n  ]\n}\n`;
}
