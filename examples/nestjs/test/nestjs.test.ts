import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ExampleServer,
  eventsOf,
  startExample,
} from "../../express/test/support/example-server.js";

const AN = { authorization: "Bearer an" };
const BINH = { authorization: "Bearer binh" };
const STREAM = { accept: "text/event-stream" };

function start(platform: string): Promise<ExampleServer> {
  const args = ["--import", "tsx", "src/main.ts"];
  return startExample(new URL("..", import.meta.url), { args, env: { PLATFORM: platform } });
}

describe.each(["express", "fastify"])("on %s", (platform) => {
  let server: ExampleServer;

  beforeAll(async () => {
    server = await start(platform);
  });

  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    expect(server.errors()).toBe("");
  });

  const ask = (path: string, init?: RequestInit) => fetch(`${server.origin}/api${path}`, init);

  async function create(pages: number): Promise<string> {
    const response = await ask("/reports", {
      method: "POST",
      headers: { ...AN, "content-type": "application/json" },
      body: JSON.stringify({ pages }),
    });
    expect(response.status).toBe(202);
    return ((await response.json()) as { jobId: string }).jobId;
  }

  const open = (jobId: string) => ask(`/progress/${jobId}`, { headers: { ...AN, ...STREAM } });

  test("given a job, streams its progress to its owner until the end", async () => {
    const response = await open(await create(20));
    expect(response.status).toBe(200);
    const text = await response.text();
    const events = eventsOf(text);
    expect(events.slice(0, 2)).toEqual(["hello", "snapshot"]);
    expect(events.filter((event) => event === "progress").length).toBeGreaterThan(1);
    expect(events.at(-1)).toBe("end");
    expect(text).toMatch(/^data: .*"result":\{"pages":20\}/m);
  });

  test("given a cancel of its owner, ends the job as cancelled", async () => {
    const jobId = await create(100_000);
    const response = await open(jobId);
    const cancelled = await ask(`/progress/${jobId}/cancel`, { method: "POST", headers: AN });
    expect(cancelled.status).toBe(202);
    expect(await response.text()).toMatch(/^event: end\ndata: .*"status":"cancelled"/m);
  });

  test("given nobody, the guard refuses with a code that the client knows", async () => {
    const jobId = await create(1);
    const refused = await ask(`/progress/${jobId}`, { headers: STREAM });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(await refused.json()).toMatchObject({ code: "not-authenticated", status: 401 });
  });

  test("given another user, authorize refuses to watch and to cancel", async () => {
    const jobId = await create(1);
    const watching = await ask(`/progress/${jobId}`, { headers: { ...BINH, ...STREAM } });
    const cancelling = await ask(`/progress/${jobId}/cancel`, { method: "POST", headers: BINH });
    for (const refused of [watching, cancelling]) {
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({ code: "forbidden" });
    }
  });

  test("given SIGTERM with an open stream, sends it away with bye and exits, with no error", async () => {
    const stream = await open(await create(100_000));
    const begunAt = performance.now();
    const [code, text] = await Promise.all([server.stop(), stream.text()]);
    expect(code).toBe(0);
    // A drain sends readers away at random moments of 5 s.
    expect(performance.now() - begunAt).toBeLessThan(10_000);
    expect(text).toMatch(/^event: bye\ndata: .*"reason":"drain"/m);
    expect(server.errors()).toBe("");
    server = await start(platform);
  });
});
