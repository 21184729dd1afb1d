import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { findEncoder, processesOf, untilGone } from "../pipeline/support.js";
import {
  createVideo,
  directoriesOf,
  ended,
  LONG,
  temporaryDirectory,
  until,
  watchVideo,
  withoutEncoder,
  workersOf,
} from "./support.js";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const outdir = at("../../node_modules/.cache/server-main-test");
const workerFile = pathToFileURL(`${outdir}/worker.js`);
const encoder = await findEncoder();

/** Builds server and worker as the studio does, but with the sources of our packages instead of their builds. */
beforeAll(async () => {
  const packages = at("../../../../packages");
  await build({
    entryPoints: {
      main: at("../../src/server/main.ts"),
      worker: at("../../src/pipeline/worker.ts"),
    },
    outdir,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias: {
      "@emlinh/progress-protocol": `${packages}/protocol/src/index.ts`,
      "@emlinh/progress-server/adapters/express": `${packages}/server/src/adapters/express.ts`,
      "@emlinh/progress-server/stores/sqlite": `${packages}/server/src/stores/sqlite/index.ts`,
      "@emlinh/progress-server": `${packages}/server/src/index.ts`,
      "@emlinh/progress-client": `${packages}/client/src/index.ts`,
    },
    external: [
      "express",
      "@echogarden/*",
      "@expo-google-fonts/*",
      "@napi-rs/*",
      "eventsource-parser",
      "libsql",
    ],
    logLevel: "silent",
  });
});

interface RunningMain {
  readonly child: ChildProcess;
  readonly output: { readonly out: string; readonly err: string };
  /** Resolves with the address that the program prints. Rejects if it exits before. */
  readonly url: Promise<string>;
  /** Resolves with the exit code and the signal that ended the program. */
  readonly exit: Promise<readonly [number | null, NodeJS.Signals | null]>;
  readonly dataDir: string;
}

async function runMain(env: NodeJS.ProcessEnv): Promise<RunningMain> {
  const dataDir = env.STUDIO_DATA ?? (await temporaryDirectory());
  const child = spawn(process.execPath, [`${outdir}/main.js`], {
    env: { ...process.env, HOST: "127.0.0.1", PORT: "0", STUDIO_DATA: dataDir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { out: "", err: "" };
  const exit = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.out += text;
      const [address] = /http:\S+/u.exec(output.out) ?? [];
      if (address !== undefined) resolve(address);
    });
    exit.then(() => reject(new Error(output.err)), reject);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.err += text;
  });
  url.catch(() => undefined);
  return { child, output, url, exit, dataDir };
}

// Without an encoder these tests are skipped, visibly. In CI `findEncoder` fails instead.
describe.skipIf(!encoder)("with an encoder", { timeout: 60_000 }, () => {
  async function rendering() {
    const main = await runMain({});
    const studio = { url: await main.url, close: async () => undefined };
    const { jobId } = await createVideo(studio, LONG);
    const watch = watchVideo(studio, jobId);
    await until(watch, ({ steps }) => (steps.encode?.done ?? 0) > 0);
    const [pid = 0] = await workersOf(workerFile);
    expect((await processesOf(pid)).length).toBeGreaterThanOrEqual(2);
    return { main, watch, pid };
  }

  test.each(["SIGTERM", "SIGINT"] as const)(
    "given %s during the render, ends the job and leaves no process and no file",
    async (signal) => {
      const { main, watch, pid } = await rendering();
      const end = ended(watch);
      main.child.kill(signal);
      expect(await end).toMatchObject({ status: "lost", error: { code: "server-stopped" } });
      expect(await main.exit).toEqual([0, null]);
      await untilGone(pid);
      expect(await directoriesOf(main.dataDir)).toEqual([]);
      expect(main.output.out).toMatch(/^Em Linh's video studio: http:\/\/127\.0\.0\.1:\d+\n$/u);
      expect(main.output.err).toMatch(/^Video \w+ was not made \(server-stopped\)[^\n]*\n$/u);
    },
  );

  test("given SIGKILL, its worker ends itself, and the next run ends the jobs as lost at once", async () => {
    const { main, watch, pid } = await rendering();
    const studio = { url: await main.url, close: async () => undefined };
    const waiting = await createVideo(studio, { ...LONG, topic: "The sea" });
    main.child.kill("SIGKILL");
    await main.exit;
    await untilGone(pid);
    const jobIds = [watch.jobId, waiting.jobId].sort();
    expect((await directoriesOf(main.dataDir)).sort()).toEqual(jobIds);

    const next = await runMain({ STUDIO_DATA: main.dataDir });
    const again = { ...studio, url: await next.url };
    const status = async (jobId: string): Promise<unknown> =>
      (await fetch(new URL(`/api/video-progress/${jobId}/status`, again.url))).json();
    const lost = { status: "lost", stale: false, attempt: 1 };
    expect(await status(watch.jobId)).toMatchObject({
      ...lost,
      step: expect.any(String),
      error: { code: "server-stopped", message: expect.stringContaining("Hãy yêu cầu lại") },
    });
    expect(await status(waiting.jobId)).toMatchObject({
      ...lost,
      startedAt: null,
      error: { code: "server-stopped", message: expect.stringContaining("Try again") },
    });
    expect(await directoriesOf(main.dataDir)).toEqual([]);
  });
});

test("given SIGTERM without a job, exits without output", async () => {
  const main = await runMain({});
  await main.url;
  main.child.kill("SIGTERM");
  expect(await main.exit).toEqual([0, null]);
});

test("given a port that is taken, prints the port and the remedy", async () => {
  const other = createServer();
  onTestFinished(() => void other.close());
  await once(other.listen(0, "127.0.0.1"), "listening");
  const { port } = other.address() as AddressInfo;
  const main = await runMain({ PORT: String(port) });
  expect(await main.exit).toEqual([1, null]);
  expect(main.output).toEqual({
    out: "",
    err: `Port ${port} is taken. Stop the program that uses it, or choose another port: PORT=${port + 1} npm start\n`,
  });
});

test("given an invalid port, prints the value", async () => {
  const main = await runMain({ PORT: "eighty" });
  expect(await main.exit).toEqual([1, null]);
  expect(main.output.err).toBe('PORT is "eighty"; it must be a number from 0 to 65535.\n');
});

test("given no ffmpeg, prints what is missing at the start, and serves the page", async () => {
  const main = await runMain(withoutEncoder());
  const url = await main.url;
  await expect.poll(() => main.output.err).toContain("FFMPEG_PATH");
  expect((await fetch(new URL("/api/options", url))).status).toBe(200);
});
