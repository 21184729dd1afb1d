import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { allowAnyone } from "../../src/core/authorize.js";
import type { BodyAnswer } from "../../src/core/http/types.js";
import { createProgress } from "../../src/core/progress.js";
import { memoryStore } from "../../src/stores/memory/memory-store.js";
import { BASE, type Host, type StartHost } from "./support/host.js";
import { HOSTS_WITH_CONNECTION, HTTP1_HOSTS, HTTP2_HOSTS } from "./support/hosts.js";
import { rawConnection } from "./support/raw-connection.js";
import { type ScriptedCore, scriptedCore } from "./support/scripted.js";

const STREAM = { accept: "text/event-stream" };
const HELLO = new TextEncoder().encode("event: hello\ndata: {}\n\n");

function bodyOf(size: number, stallMs: number): BodyAnswer {
  const headers = { "content-type": "application/json; charset=utf-8" };
  return { kind: "body", status: 200, headers, body: `"${"x".repeat(size)}"`, stallMs };
}

async function startFor(start: StartHost, core: ScriptedCore): Promise<Host> {
  const host = await start(core);
  onTestFinished(async () => {
    host.client.close();
    await host.close();
  });
  return host;
}

describe.each(HOSTS_WITH_CONNECTION)("%s", (_name, start) => {
  let core: ScriptedCore;
  let host: Host;

  beforeEach(async () => {
    core = scriptedCore();
    host = await start(core);
  });

  afterEach(async () => {
    await core.drain();
    host.client.close();
    await host.close();
  });

  test("given two clients, shows the core another connection for each", async () => {
    const clients = [host.client, host.connect()];
    const asked = clients.map((client) => client.ask(`${BASE}/job`, { headers: STREAM }));
    const first = await core.subscriber();
    const second = await core.subscriber();
    expect(first.facts.connection).toBeTypeOf("object");
    expect(second.facts.connection).toBeTypeOf("object");
    expect(first.facts.connection).not.toBe(second.facts.connection);
    await core.drain();
    await Promise.all(asked);
    clients[1]?.close();
  });

  test("given a connection that dies with many streams, frees them all", async () => {
    const client = host.connect();
    const sent = Array.from({ length: 20 }, () => client.send(`${BASE}/job`, { headers: STREAM }));
    const subscribers = await Promise.all(sent.map(() => core.subscriber()));
    client.close();
    await Promise.all(subscribers.map(({ until }) => until("closed")));
    for (const { facts } of subscribers) expect(facts.signal.aborted).toBe(true);
  });
});

describe.each(HTTP1_HOSTS)("%s", (_name, start) => {
  test("given pipelined requests, asks the core for one when the response before it has ended", async () => {
    const core = scriptedCore();
    const host = await startFor(start, core);
    const raw = await rawConnection(host.port);
    raw.get(...["first", "second", "third"].map((id) => ({ path: `${BASE}/${id}`, ...STREAM })));
    const first = await core.subscriber();
    first.sink.write(HELLO);
    await raw.until("event: hello");
    await setImmediate();
    expect(core.asked()).toBe(1);
    first.sink.end();
    const second = await core.subscriber();
    expect([second.facts.path, core.asked()]).toEqual(["/second", 2]);
    expect(second.facts.connection).toBe(first.facts.connection);
    raw.destroy();
    await second.until("closed");
    expect(second.facts.signal.aborted).toBe(true);
    await expect.poll(() => host.connections()).toBe(0);
    expect(core.asked()).toBe(2);
  });

  test("given many pipelined streams and polls whose connections die, frees every slot", async () => {
    const warned = vi.spyOn(process, "emitWarning");
    onTestFinished(() => warned.mockRestore());
    const store = memoryStore();
    const progress = createProgress({ store, authorize: allowAnyone, sweepIntervalMs: false });
    const host = await start(progress);
    const { id } = await progress.create({ kind: "video" });
    const { cursor } = (await progress.status(id)) ?? {};
    const stream = { path: `${BASE}/${id}`, ...STREAM };
    const poll = { path: `${BASE}/${id}?after=${cursor}&wait=20` };
    const requests = Array.from({ length: 90 }, (_, n) => (n % 2 === 0 ? stream : poll));
    const all = await Promise.all(Array.from({ length: 22 }, () => rawConnection(host.port)));
    for (const raw of all) raw.get(...requests);
    await Promise.all(all.map((raw) => raw.until("event: hello")));
    expect(progress.metrics().slots).toBe(22);
    for (const raw of all) raw.destroy();
    await expect.poll(() => progress.metrics().slots).toBe(0);
    await progress.drain({ spreadMs: 0 });
    // Node warns of many listeners on one socket.
    expect(warned).not.toHaveBeenCalled();
    host.client.close();
    await host.close();
    await progress.close();
    await store.close();
  });

  test("given a body that nobody reads, cuts the connection after stallMs", async () => {
    const host = await startFor(
      start,
      scriptedCore(() => bodyOf(20_000_000, 100)),
    );
    const raw = await rawConnection(host.port);
    raw.pause();
    raw.get({ path: `${BASE}/job` });
    await expect.poll(() => host.connections()).toBe(1);
    await expect.poll(() => host.connections()).toBe(0);
    raw.destroy();
  });

  test("given a complete body, gives the time limit of the connection back", async () => {
    const stallMs = 98_765;
    const limits: (number | undefined)[] = [];
    const host = await startFor(
      start,
      scriptedCore(({ connection }) => {
        limits.push((connection as Socket).timeout ?? 0);
        return bodyOf(10, stallMs);
      }),
    );
    const raw = await rawConnection(host.port);
    // The second one waits in the pipeline, the third one comes while the connection is idle.
    raw.get({ path: `${BASE}/1` }, { path: `${BASE}/2` });
    await raw.until('"xxxxxxxxxx"');
    await expect.poll(() => limits).toHaveLength(2);
    raw.get({ path: `${BASE}/3` });
    await expect.poll(() => limits).toHaveLength(3);
    expect(limits).toEqual([0, 0, 0]);
    raw.destroy();
  });
});

describe.each(HTTP2_HOSTS)("%s", (_name, start) => {
  test("given streams of one session, shows the core the same connection", async () => {
    const core = scriptedCore();
    const { client } = await startFor(start, core);
    for (const id of ["a", "b"]) client.send(`${BASE}/${id}`, { headers: STREAM });
    const first = await core.subscriber();
    const second = await core.subscriber();
    expect(second.facts.connection).toBe(first.facts.connection);
    await core.drain();
  });

  test("given a body that nobody reads, resets the stream after stallMs, and keeps the session", async () => {
    const core = scriptedCore(({ path }) => bodyOf(path === "/small" ? 10 : 5_000_000, 100));
    const { client } = await startFor(start, core);
    const unread = await client.ask(`${BASE}/large`);
    await unread.gone;
    await expect(unread.text()).rejects.toThrow();
    expect(await (await client.ask(`${BASE}/small`)).json()).toBe("xxxxxxxxxx");
  });
});
