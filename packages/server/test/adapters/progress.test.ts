import { apply, fromWire, type Snapshot, stateOf } from "@emlinh/progress-protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { allowAnyone } from "../../src/core/authorize.js";
import { createProgress, type Progress } from "../../src/core/progress.js";
import type { ProgressStore } from "../../src/core/store.js";
import { memoryStore } from "../../src/stores/memory/memory-store.js";
import type { ReadFrame, Reply } from "./support/client.js";
import { BASE, HOSTS, type Host } from "./support/hosts.js";
import { randomText } from "./support/random-text.js";

const STREAM = { headers: { accept: "text/event-stream", "accept-encoding": "gzip" } };
const JSON_ONLY = { headers: { accept: "application/json" } };

describe.each(Object.entries(HOSTS))("%s", (_name, start) => {
  let store: ProgressStore;
  let progress: Progress;
  let host: Host;
  let id: string;

  beforeEach(async () => {
    store = memoryStore();
    progress = createProgress({ store, authorize: allowAnyone, sweepIntervalMs: false });
    host = await start(progress);
    ({ id } = await progress.create({ kind: "video", metadata: { topic: "Chào" } }));
  });

  afterEach(async () => {
    await progress.drain({ spreadMs: 0 });
    host.client.close();
    await host.close();
    await progress.close();
    await store.close();
  });

  const say = (message: string) => store.write(id, { set: { message }, log: [] });
  const streams = (count: number) =>
    vi.waitFor(() => expect(progress.stats().streams).toBe(count), { interval: 5 });

  async function open(ask: Parameters<Host["client"]["ask"]>[1] = STREAM): Promise<Reply> {
    const reply = await host.client.ask(`${BASE}/${id}`, ask);
    expect(reply.status).toBe(200);
    expect((await reply.frame())?.event).toBe("hello");
    return reply;
  }

  test("given a new reader, the stream opens at once, with all that is known", async () => {
    const reply = await host.client.ask(`${BASE}/${id}`, STREAM);
    expect(await reply.frame()).toMatchObject({
      event: "hello",
      retry: expect.stringMatching(/^\d+$/),
      data: { protocol: 1, heartbeatMs: 30_000 },
    });
    const snapshot = await reply.frame();
    expect(snapshot).toMatchObject({
      event: "snapshot",
      data: { reset: true, set: { status: "queued", "metadata.topic": "Chào" } },
    });
    expect(snapshot?.id).toBe(snapshot?.data.cursor);
  });

  test("given changes, each is at the reader before the next is made", async () => {
    const reply = await open();
    await reply.frame();
    for (let n = 0; n < 10; n += 1) {
      const cursor = await say(`${n}`);
      expect(await reply.frame()).toMatchObject({
        event: "progress",
        id: cursor,
        data: { set: { message: `${n}` } },
      });
    }
  });

  test("given the end, the reader gets it, the stream ends, and nothing is left for the next", async () => {
    const reply = await open();
    const { status } = await progress.run(id, async () => ({ videoUrl: "/v.mp4" }));
    expect(status).toBe("completed");
    const end = (await reply.rest()).at(-1);
    expect(end).toMatchObject({ event: "end", data: { done: true } });
    expect(await stateAt(await host.client.ask(`${BASE}/${id}`, STREAM))).toMatchObject({
      status: "completed",
      percent: 100,
      result: { videoUrl: "/v.mp4" },
    });
    const headers = { ...STREAM.headers, "last-event-id": `${end?.id}` };
    const again = await host.client.ask(`${BASE}/${id}`, { headers });
    expect([again.status, await again.text()]).toEqual([204, ""]);
    await streams(0);
  });

  test("given a cursor, the reader gets what came after it", async () => {
    const cursor = await say("before");
    await say("after");
    const headers = { ...STREAM.headers, "last-event-id": cursor };
    const byHeader = await open({ headers });
    expect((await byHeader.frame())?.data.set).toMatchObject({ message: "after" });
    const byAddress = await host.client.ask(`${BASE}/${id}?after=${cursor}`, JSON_ONLY);
    expect(await byAddress.json()).toMatchObject({ set: { message: "after" } });
  });

  test("given a reader that doesn't read, passes over it, and gives it one delta when it reads again", async () => {
    const slow = await open();
    const client = host.connect();
    const fast = await client.ask(`${BASE}/${id}`, STREAM);
    await fast.frame();
    await fast.frame();
    const changes = 50;
    let cursor = "";
    for (let n = 0; n < changes; n += 1) {
      cursor = await store.write(id, { set: { message: randomText(200_000) }, log: [] });
      expect((await fast.frame())?.id).toBe(cursor);
    }
    const message = (await progress.status(id))?.message;
    const got: ReadFrame[] = [];
    while (got.at(-1)?.id !== cursor) got.push(await present(slow.frame()));
    // The snapshot, what the buffers on the way took, and one delta for all the others.
    expect(got.length).toBeLessThan(changes);
    expect(got.at(-1)?.data.set).toMatchObject({ message });
    client.close();
  });

  test("given a reader that goes away, its place is free again", async () => {
    const reply = await open();
    await streams(1);
    reply.abort();
    await streams(0);
    expect(progress.stats().watchedJobs).toBe(0);
  });

  test("given a held poll, answers it when something changes", async () => {
    const cursor = await say("before");
    const asked = host.client.ask(`${BASE}/${id}?after=${cursor}&wait=20`, JSON_ONLY);
    await streams(1);
    await say("after");
    const reply = await asked;
    expect(await reply.json()).toMatchObject({ set: { message: "after" } });
    expect(reply.headers["content-type"]).toBe("application/json; charset=utf-8");
  });

  test("given a held poll whose client goes away, its place is free again", async () => {
    const cursor = await say("before");
    const poll = host.client.send(`${BASE}/${id}?after=${cursor}&wait=20`, JSON_ONLY);
    await streams(1);
    poll.abort();
    await streams(0);
  });

  test("given a tag that still holds, answers 304 without a body", async () => {
    const first = await host.client.ask(`${BASE}/${id}/status`);
    expect(await first.json()).toMatchObject({ id, status: "queued", cursor: expect.any(String) });
    const headers = { "if-none-match": `${first.headers.etag}` };
    const second = await host.client.ask(`${BASE}/${id}/status`, { headers });
    expect([second.status, await second.text()]).toEqual([304, ""]);
    expect(second.headers.etag).toBe(first.headers.etag);
    await say("news");
    expect((await host.client.ask(`${BASE}/${id}/status`, { headers })).status).toBe(200);
  });

  test("given HEAD, answers as to GET, without a body", async () => {
    const reply = await host.client.ask(`${BASE}/${id}/status`, { method: "HEAD" });
    expect([reply.status, await reply.text()]).toEqual([200, ""]);
    expect(reply.headers.etag).toMatch(/^W\/"/);
    expect(reply.headers["content-type"]).toBe("application/json; charset=utf-8");
  });

  test("given a cancel, tells what it came to", async () => {
    const reply = await host.client.ask(`${BASE}/${id}/cancel`, { method: "POST" });
    expect(reply.status).toBe(202);
    expect(await reply.json()).toEqual({ jobId: id, status: "cancelled", cancelRequested: true });
  });

  test.each([
    [404, "job-not-found", "GET", "/unknown", STREAM.headers],
    [404, "job-not-found", "GET", "/unknown/status", {}],
    [404, "not-found", "GET", "/a/b/c", {}],
    [404, "not-found", "GET", "/?job=A&job=B", {}],
    [400, "invalid-request", "GET", "/a%2Fb", {}],
    [400, "invalid-request", "GET", "/Ch%C3%A0o", {}],
    [405, "method-not-allowed", "DELETE", "/job", {}],
    [405, "method-not-allowed", "GET", "/job/cancel", {}],
    [406, "not-acceptable", "GET", "/job", { accept: "text/html" }],
    [403, "forbidden", "POST", "/cleanup", {}],
  ])("answers %i %s to %s %s", async (status, code, method, path, headers) => {
    const reply = await host.client.ask(`${BASE}${path}`, { method, headers });
    expect(reply.status).toBe(status);
    expect(reply.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(reply.headers.allow === undefined).toBe(status !== 405);
    expect(await reply.json()).toMatchObject({ type: "about:blank", status, code });
  });

  test.each([
    ["a stream", "GET", "", STREAM.headers],
    ["a delta", "GET", "", {}],
    ["the state", "GET", "/status", {}],
    ["a cancel", "POST", "/cancel", {}],
    ["a refusal", "GET", "/nothing", {}],
  ])("sends the headers of every answer with %s", async (_what, method, path, headers) => {
    const reply = await host.client.ask(`${BASE}/${id}${path}`, { method, headers });
    // One host's compressor is to believe that it may transform.
    expect(reply.headers["cache-control"]).toMatch(/^no-store(, no-transform)?$/);
    expect(reply.headers["x-content-type-options"]).toBe("nosniff");
    for (const name of ["Accept", "Authorization", "Cookie", "Last-Event-ID"]) {
      expect(`${reply.headers.vary}`.split(", ")).toContain(name);
    }
    // Where a runtime makes the response, an HTTP/1.1 server may say of its connection what goes without saying.
    expect(reply.headers.connection ?? "keep-alive").toBe("keep-alive");
    expect(reply.headers["x-accel-buffering"]).toBe(
      path === "" && "accept" in headers ? "no" : undefined,
    );
  });

  test("given a server that stops, sends its readers away, and is closed when they are gone", async () => {
    const reply = await open();
    const [frames] = await Promise.all([reply.rest(), progress.drain({ spreadMs: 0 })]);
    expect(frames.at(-1)).toMatchObject({ event: "bye", data: { reason: "drain" } });
    const closed = host.close();
    // An HTTP/2 server waits for its clients to leave, too.
    host.client.close();
    await closed;
    host = await start(progress);
    const refused = await host.client.ask(`${BASE}/${id}`, STREAM);
    expect([refused.status, refused.headers["retry-after"]]).toEqual([
      503,
      expect.stringMatching(/^\d+$/),
    ]);
  });
});

/** What a reader makes of a whole stream. */
async function stateAt(reply: Reply) {
  let state: Snapshot | undefined;
  for (const { id, data } of await reply.rest()) {
    const delta = id === undefined ? undefined : fromWire(data);
    if (delta) state = apply(state, delta);
  }
  return stateOf("job", state?.set ?? {}, Date.now());
}

async function present<Item>(item: Promise<Item | undefined>): Promise<Item> {
  const there = await item;
  if (there === undefined) throw new Error("The stream is over.");
  return there;
}
