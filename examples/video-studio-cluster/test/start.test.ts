import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { NGINX_MISSING } from "../../../conformance/servers/nginx.js";
import { REDIS_MISSING } from "../../../conformance/servers/redis.js";
import { childrenOf, isAlive } from "./support/cluster-fixture.js";

const START = fileURLToPath(new URL("../dist/start.js", import.meta.url));

interface Started {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly output: { out: string; err: string };
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs the command. All files that it creates are in a directory of its own. */
async function runStart(env: NodeJS.ProcessEnv): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "video-studio-start-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [START], {
    env: {
      ...process.env,
      ...{ HOST: "127.0.0.1", PORT: "0", TMPDIR: folder, VIDEO_DIR: join(folder, "videos") },
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const output = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.err += text;
  });
  return { child, folder, output, ended };
}

async function addressOf({ child, output, ended }: Started): Promise<string> {
  for (;;) {
    const [url] = /http:\S+/u.exec(output.out) ?? [];
    if (url !== undefined) return url;
    const more = once(child.stdout as NodeJS.ReadableStream, "data");
    const code = await Promise.race([more, ended]);
    if (typeof code === "number") throw new Error(`The command exited with ${code}: ${output.err}`);
  }
}

describe("the start command", () => {
  test.skipIf(NGINX_MISSING ?? REDIS_MISSING)(
    "starts everything, serves the page, and leaves nothing after Ctrl-C",
    async () => {
      const started = await runStart({});
      const url = await addressOf(started);
      const page = await fetch(url);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain("<html");
      const children = await childrenOf(started.child.pid ?? 0);
      // Redis, nginx, two web processes and two workers.
      expect(children).toHaveLength(6);
      started.child.kill("SIGINT");
      expect(await started.ended).toBe(0);
      expect(children.filter(isAlive)).toEqual([]);
      expect((await readdir(started.folder)).filter((name) => name !== "videos")).toEqual([]);
    },
  );

  test.skipIf(NGINX_MISSING ?? REDIS_MISSING)(
    "given Ctrl-C while the processes are being started, leaves none of them",
    async () => {
      const { child, folder, output, ended } = await runStart({});
      const redis = (): number => Number(/Redis (\d+):/u.exec(output.err)?.[1] ?? 0);
      while (redis() === 0) await once(child.stderr as NodeJS.ReadableStream, "data");
      child.kill("SIGINT");
      expect(await ended).toBe(0);
      expect(isAlive(redis())).toBe(false);
      expect((await readdir(folder)).filter((name) => name !== "videos")).toEqual([]);
    },
  );

  test("given an invalid setting, prints the reason and starts nothing", async () => {
    const { ended, output } = await runStart({ STORE: "mysql" });
    expect(await ended).toBe(1);
    expect(output.err).toBe('STORE is "mysql"; it must be redis or postgres.\n');
  });

  test("given a port that is taken, prints the reason and starts nothing", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const { ended, output } = await runStart({ PORT: `${port}` });
    expect(await ended).toBe(1);
    expect(output.err).toContain(`PORT is ${port}, but another program listens on that port.`);
  });

  test("given no redis-server, prints what to install", async () => {
    const { ended, output } = await runStart({ REDIS_SERVER_PATH: "/no/such/redis-server" });
    expect(await ended).toBe(1);
    expect(output.err).toContain("apt-get install redis-server nginx");
    expect(output.err).not.toMatch(/\n +at /u);
  });
});
