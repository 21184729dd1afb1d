import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ExampleServer,
  eventsOf,
  startExample,
} from "../../express/test/support/example-server.js";

const folder = new URL("..", import.meta.url);
const next = createRequire(folder).resolve("next/dist/bin/next");
const STREAM = { accept: "text/event-stream", "accept-encoding": "gzip, br" };

type Mode = "development" | "production";
const envOf = (mode: Mode) => ({ NODE_ENV: mode, NEXT_TELEMETRY_DISABLED: "1" });

async function build(): Promise<void> {
  const env = { ...process.env, ...envOf("production") };
  await promisify(execFile)(process.execPath, [next, "build"], {
    cwd: fileURLToPath(folder),
    env,
  });
}

function start(command: string, mode: Mode): Promise<ExampleServer> {
  const args = [next, command, "--hostname", "127.0.0.1"];
  return startExample(folder, { args, env: envOf(mode), address: /Local:\s+(http:\S+)/ });
}

const MODES = [
  { mode: "development", start: () => start("dev", "development"), exitCodes: [0, 143, null] },
  {
    mode: "production",
    async start() {
      await build();
      return start("start", "production");
    },
    exitCodes: [143],
  },
];

describe.each(MODES)("in $mode", ({ mode, start, exitCodes }) => {
  let server: ExampleServer;

  beforeAll(async () => {
    server = await start();
    // In development a route is compiled when it is asked for the first time.
    await Promise.all(
      ["/", "/jobs/none", "/api/progress/none", "/api/health"].map((path) => ask(path)),
    );
  }, 180_000);

  afterAll(() => server.stop());

  const ask = (path: string, init?: RequestInit) => fetch(`${server.origin}${path}`, init);
  const open = (jobId: string, init: RequestInit = {}) =>
    ask(`/api/progress/${jobId}`, { headers: STREAM, ...init });

  /** Sends the form of the page, as a browser without JavaScript does. */
  async function create(batches: number): Promise<string> {
    const page = await (await ask("/")).text();
    const form = new FormData();
    form.append(/name="(\$ACTION_ID_\w+)"/.exec(page)?.[1] ?? "no action", "");
    form.append("batches", `${batches}`);
    const { origin } = server;
    const response = await ask("/", {
      method: "POST",
      body: form,
      headers: { origin },
      redirect: "manual",
    });
    expect(response.status).toBe(303);
    return /\/jobs\/([\w-]+)$/.exec(response.headers.get("location") ?? "")?.[1] ?? "";
  }

  async function cancel(jobId: string): Promise<void> {
    const response = await ask(`/api/progress/${jobId}/cancel`, { method: "POST" });
    expect(response.status).toBe(202);
  }

  const streams = async () =>
    ((await (await ask("/api/health")).json()) as { streams: number }).streams;

  test("given a job of a server action, the route handlers stream it to its end, and the page shows it", async () => {
    const jobId = await create(100);
    expect((await ask(`/api/progress/${jobId}/status`)).status).toBe(200);
    const response = await open(jobId);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-encoding")).toBeNull();
    const text = await response.text();
    expect(eventsOf(text)[0]).toBe("hello");
    expect(eventsOf(text).at(-1)).toBe("end");
    expect(text).toMatch(/^data: .*"result":\{"pi":3\.1\d+\}/m);
    expect(await (await ask(`/jobs/${jobId}`)).text()).toMatch(/Pi is about 3\.1\d+\./);
  });

  test("given a job that runs, streams each change before the end", async () => {
    const jobId = await create(100_000);
    const { body } = await open(jobId);
    let text = "";
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const hadProgress = eventsOf(text).includes("progress");
      text += chunk;
      if (!hadProgress && eventsOf(text).includes("progress")) await cancel(jobId);
    }
    expect(text).toMatch(/^event: end\ndata: .*"status":"cancelled"/m);
  });

  test("given a viewer who leaves, frees the stream", async () => {
    const jobId = await create(100_000);
    const viewer = new AbortController();
    const { body } = await open(jobId, { signal: viewer.signal });
    await body?.getReader().read();
    expect(await streams()).toBe(1);
    viewer.abort();
    await expect.poll(() => streams()).toBe(0);
    await cancel(jobId);
  });

  test("given other methods, the handlers of the route answer", async () => {
    const jobId = await create(1);
    const head = await open(jobId, { method: "HEAD" });
    expect(head.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const removal = await ask(`/api/progress/${jobId}`, { method: "DELETE" });
    expect(removal.status).toBe(403);
    expect(await removal.json()).toMatchObject({ code: "forbidden" });
    expect((await ask("/api/progress/unknown", { headers: STREAM })).status).toBe(404);
  });

  test("given SIGTERM with an open stream, exits", async () => {
    const response = await open(await create(100_000));
    const text = response.text().catch(() => "cut");
    expect(exitCodes).toContain(await server.stop());
    if (mode === "production") {
      expect(await text).toMatch(/^event: bye\ndata: .*"reason":"drain"/m);
      expect(server.errors()).toBe("");
    }
  });
});
