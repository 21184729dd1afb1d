import {
  applyDelta,
  decodeDelta,
  emptyReplica,
  replicaFields,
  stateOf,
} from "@emlinh/progress-protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { allowAnyone } from "../../src/core/authorize.js";
import { createProgress, type Progress } from "../../src/core/progress.js";
import type { ProgressStore } from "../../src/core/store.js";
import { memoryStore } from "../../src/stores/memory/memory-store.js";
import type { ReadFrame, Reply } from "./support/client.js";
import { BASE, type Host } from "./support/host.js";
import { HOSTS } from "./support/hosts.js";
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

  const say = async (message: string) =>
    (await store.write(id, { set: { message }, log: [] })).cursor;
  const streams = (count: number) => expect.poll(() => progress.metrics().slots).toBe(count);

  async function open(ask: Parameters<Host["client"]["ask"]>[1] = STREAM): Promise<Reply> {
    const reply = await host.client.ask(`${BASE}/${id}`, ask);
    expect(reply.status).toBe(200);
    expect((await reply.frame())?.event).toBe("hello");
    return reply;
  }

  test("given a new reader, opens the stream at once, with the whole state", async () => {
    const reply = await host.client.ask(`${BASE}/${id}`, STREAM);
    expect(await reply.frame()).toMatchObject({
      event: "hello",
      retry: expect.stringMatching(/^\d+$/),
      data: { protocol: 1, heartbeatMs: 15_000 },
    });
    const snapshot = await reply.frame();
    expect(snapshot).toMatchObject({
      event: "snapshot",
      data: { reset: true, set: { status: "queued", "metadata.topic": "Chào" } },
    });
    expect(snapshot?.id).toBe(snapshot?.data.cursor);
  });

  test("given changes, delivers each before the next one is written", async () => {
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

  test("given the end, sends it, ends the stream, and answers 204 to the cursor of the end", async () => {
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

  test("given a cursor, sends what changed after it", async () => {
    const cursor = await say("before");
    await say("after");
    const headers = { ...STREAM.headers, "last-event-id": cursor };
    const byHeader = await open({ headers });
    expect((await byHeader.frame())?.data.set).toMatchObject({ message: "after" });
    const byAddress = await host.client.ask(`${BASE}/${id}?after=${cursor}`, JSON_ONLY);
    expect(await byAddress.json()).toMatchObject({ set: { message: "after" } });
  });

  test("given a reader that does not read, skips it, and sends it one delta when it reads again", async () => {
    const slow = await open();
    const client = host.connect();
    const fast = await client.ask(`${BASE}/${id}`, STREAM);
    await fast.frame();
    await fast.frame();
    const changes = 50;
    let cursor = "";
    for (let n = 0; n < changes; n += 1) {
      ({ cursor } = await store.write(id, { set: { message: randomText(200_000) }, log: [] }));
      expect((await fast.frame())?.id).toBe(cursor);
    }
    const message = (await progress.status(id))?.message;
    const got: ReadFrame[] = [];
    while (got.at(-1)?.id !== cursor) got.push(await present(slow.frame()));
    // The snapshot, the deltas that fitted into the buffers on the way, and one delta for all others.
    expect(got.length).toBeLessThan(changes);
    expect(got.at(-1)?.data.set).toMatchObject({ message });
    client.close();
  });

  test("given a reader that disconnects, frees its slot", async () => {
    const reply = await open();
    await streams(1);
    reply.abort();
    await streams(0);
    expect(progress.metrics().watchedJobs).toBe(0);
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

  test("given a held poll whose client disconnects, frees its slot", async () => {
    const cursor = await say("before");
    const poll = host.client.send(`${BASE}/${id}?after=${cursor}&wait=20`, JSON_ONLY);
    await streams(1);
    poll.abort();
    await streams(0);
  });

  test("given an ETag that still matches, answers 304 without a body", async () => {
    const first = await host.client.ask(`${BASE}/${id}/status`);
    expect(await first.json()).toMatchObject({ id, status: "queued", cursor: expect.any(String) });
    const headers = { "if-none-match": `${first.headers.etag}` };
    const second = await host.client.ask(`${BASE}/${id}/status`, { headers });
    expect([second.status, await second.text()]).toEqual([304, ""]);
    expect(second.headers.etag).toBe(first.headers.etag);
    await say("changed");
    expect((await host.client.ask(`${BASE}/${id}/status`, { headers })).status).toBe(200);
  });

  test.each(["", "/"])(
    "given many jobs at the path of the mount point and %j, streams them",
    async (slash) => {
      const { id: other } = await progress.create({ kind: "video" });
      const reply = await host.client.ask(
        `${BASE}${slash}?job=${id}&job=${other}&job=none`,
        STREAM,
      );
      expect([reply.status, reply.headers["content-type"]]).toEqual([
        200,
        "text/event-stream; charset=utf-8",
      ]);
      const frames: (ReadFrame | undefined)[] = [];
      for (let count = 0; count < 5; count += 1) frames.push(await reply.frame());
      expect(frames.map((frame) => [frame?.event, frame?.id, frame?.data.job])).toEqual([
        ["hello", undefined, undefined],
        ["refused", undefined, "none"],
        ["snapshot", undefined, id],
        ["snapshot", undefined, other],
        ["ready", undefined, undefined],
      ]);
      await say("changed");
      expect(await reply.frame()).toMatchObject({
        event: "progress",
        data: { job: id, set: { message: "changed" } },
      });
      await streams(1);
    },
  );

  test("given a poll of many jobs, answers with their deltas", async () => {
    const reply = await host.client.ask(`${BASE}?job=${id}&job=none`, JSON_ONLY);
    expect(reply.headers.etag).toBeUndefined();
    expect(await reply.json()).toMatchObject({
      listed: [],
      jobs: [{ job: id, reset: true }],
      refused: [{ job: "none", status: 404, code: "job-not-found" }],
    });
  });

  test("given HEAD, sends the headers of GET without a body", async () => {
    const reply = await host.client.ask(`${BASE}/${id}/status`, { method: "HEAD" });
    expect([reply.status, await reply.text()]).toEqual([200, ""]);
    expect(reply.headers.etag).toMatch(/^W\/"/);
    expect(reply.headers["content-type"]).toBe("application/json; charset=utf-8");
    const { headers } = await host.client.ask(`${BASE}/${id}/status`);
    expect(withoutLength(reply.headers)).toEqual(withoutLength(headers));
    expect([undefined, headers["content-length"]]).toContain(reply.headers["content-length"]);
  });

  test("given a cancel, answers with the status of the job", async () => {
    const reply = await host.client.ask(`${BASE}/${id}/cancel`, { method: "POST" });
    expect(reply.status).toBe(202);
    expect(await reply.json()).toEqual({ jobId: id, status: "cancelled", cancelRequested: true });
  });

  test.each([
    [404, "job-not-found", "GET", "/unknown", STREAM.headers],
    [404, "job-not-found", "GET", "/unknown/status", {}],
    [404, "not-found", "GET", "/a/b/c", {}],
    [400, "invalid-request", "GET", "", {}],
    [400, "invalid-request", "GET", "/?job=A&job=a%20b", {}],
    [405, "method-not-allowed", "POST", "?job=A", {}],
    [400, "invalid-request", "GET", "/a%2Fb", {}],
    [400, "invalid-request", "GET", "/Ch%C3%A0o", {}],
    [403, "forbidden", "DELETE", "/job", {}],
    [405, "method-not-allowed", "PUT", "/job", {}],
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
  ])("given %s, sends the headers of every answer", async (_what, method, path, headers) => {
    const reply = await host.client.ask(`${BASE}/${id}${path}`, { method, headers });
    // One host removes `no-transform`.
    expect(reply.headers["cache-control"]).toMatch(/^no-store(, no-transform)?$/);
    expect(reply.headers["x-content-type-options"]).toBe("nosniff");
    for (const name of ["Accept", "Authorization", "Cookie", "Last-Event-ID"]) {
      expect(`${reply.headers.vary}`.split(", ")).toContain(name);
    }
    // A runtime that writes the response itself may send the default of HTTP/1.1.
    expect(reply.headers.connection ?? "keep-alive").toBe("keep-alive");
    expect(reply.headers["x-accel-buffering"]).toBe(
      path === "" && "accept" in headers ? "no" : undefined,
    );
  });

  test("given a server that stops, sends `bye` to its readers, and is closed when they have left", async () => {
    const reply = await open();
    const [frames] = await Promise.all([reply.rest(), progress.drain({ spreadMs: 0 })]);
    expect(frames.at(-1)).toMatchObject({ event: "bye", data: { reason: "drain" } });
    const closed = host.close();
    // An HTTP/2 server also waits until its clients have disconnected.
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

/** A server need not know the length of a body that it does not make. */
function withoutLength(headers: Reply["headers"]): Reply["headers"] {
  const { date: _1, "content-length": _2, "transfer-encoding": _3, ...others } = headers;
  return others;
}

/** The state that a reader has after a whole stream. */
async function stateAt(reply: Reply) {
  const replica = emptyReplica();
  for (const { id, data } of await reply.rest()) {
    const delta = id === undefined ? undefined : decodeDelta(data);
    if (delta) applyDelta(replica, delta);
  }
  return stateOf("job", replicaFields(replica), Date.now());
}

async function present<Item>(item: Promise<Item | undefined>): Promise<Item> {
  const value = await item;
  if (value === undefined) throw new Error("The stream has ended.");
  return value;
}
