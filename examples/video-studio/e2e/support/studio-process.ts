import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import { type FaultProxy, startFaultProxy } from "../../../../conformance/faults/fault-proxy.js";
import { CREATE_PATH } from "../../src/shared/addresses.js";
import { untilGone } from "../../test/pipeline/support.js";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
/** The test gets no event when a process of another one starts or exits, so it polls. */
const POLLING = { timeout: 20_000, interval: 50 };

/** The built studio in a process of its own, behind a proxy that simulates network faults. */
export interface StudioProcess {
  /** The address of the proxy. */
  readonly url: string;
  readonly proxy: FaultProxy;
  /** The process groups of the running workers. */
  workers(): Promise<readonly number[]>;
  /**
   * Suspends the worker and its encoder, so that an unfinished video stays unfinished on a fast machine too.
   *
   * @returns a function that resumes them.
   */
  freeze(): Promise<() => void>;
  /** The number of requests for a video that reached the proxy. */
  createRequests(): number;
  /** The ids of the jobs that have files. */
  videos(): Promise<readonly string[]>;
  /** Kills the studio with SIGKILL. Resolves when its workers have exited. */
  kill(): Promise<void>;
  /** Starts the studio again on the same port. */
  start(): Promise<void>;
}

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<unknown>;
}

/**
 * Starts a studio with its own data directory. It is stopped with the test, and must leave no process.
 *
 * @param env - Variables in addition to those of this process.
 */
export async function startStudio(env: NodeJS.ProcessEnv = {}): Promise<StudioProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), "video-studio-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const output = { err: "" };
  const known = new Set<number>();
  let running: Running | undefined;
  let port = "0";

  async function start(): Promise<void> {
    running = await runMain({ ...env, PORT: port, STUDIO_DATA: dataDir }, output);
    port = new URL(running.url).port;
  }

  async function workers(): Promise<readonly number[]> {
    const groups = await workersOf(running?.child.pid);
    for (const group of groups) known.add(group);
    return groups;
  }

  async function freeze(): Promise<() => void> {
    // A job may be running before its worker has started.
    await expect.poll(workers, POLLING).toHaveLength(1);
    const groups = await workers();
    const signalAll = (signal: NodeJS.Signals): void => {
      for (const group of groups) kill(-group, signal);
    };
    signalAll("SIGSTOP");
    return () => signalAll("SIGCONT");
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const dying = running;
    running = undefined;
    if (dying === undefined) return;
    for (const group of await workersOf(dying.child.pid)) known.add(group);
    dying.child.kill(signal);
    await dying.ended;
    for (const group of known) await untilGone(group);
  }

  onTestFinished(async () => {
    await end("SIGTERM");
    expect(output.err, "the messages for the operator").not.toContain("A request failed");
  });
  await start();
  const proxy = await startFaultProxy(() => `http://127.0.0.1:${port}`);
  onTestFinished(() => proxy.close());
  return {
    url: proxy.url,
    proxy,
    workers,
    freeze,
    createRequests: () => proxy.requests.filter(({ url }) => url === CREATE_PATH).length,
    videos: () => readdir(join(dataDir, "videos")),
    kill: () => end("SIGKILL"),
    start,
  };
}

async function runMain(env: NodeJS.ProcessEnv, output: { err: string }): Promise<Running> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, HOST: "127.0.0.1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.err += text;
  });
  let out = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const [address] = /http:\S+/u.exec(out) ?? [];
      if (address !== undefined) resolve(address);
    });
    ended.then(() => reject(new Error(`The studio did not start: ${output.err}`)), reject);
  });
  return { child, url, ended };
}

/** Each worker leads a process group of its own, so its process id is the id of the group. */
async function workersOf(server: number | undefined): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,stat=,args="]);
  return stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, parent, state, ...args]) => {
      const isWorker = args.some((arg) => arg.endsWith("/worker.js"));
      return Number(parent) === server && !state?.startsWith("Z") && isWorker;
    })
    .map(([pid]) => Number(pid));
}
