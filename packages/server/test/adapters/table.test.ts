import { EventEmitter, once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Reply } from "./support/client.js";
import { BASE, type Host } from "./support/host.js";
import { HOSTS } from "./support/hosts.js";
import { randomText } from "./support/random-text.js";
import { type Scripted, type ScriptedCore, scriptedCore } from "./support/scripted.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const frame = (n: number, padding = "") =>
  bytes(`event: progress\ndata: ${JSON.stringify({ n, padding })}\n\n`);

const STREAM = { headers: { accept: "text/event-stream", "accept-encoding": "gzip" } };

describe.each(Object.entries(HOSTS))("%s", (_name, start) => {
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

  async function open() {
    const asked = host.client.ask(`${BASE}/job`, STREAM);
    const subscriber = await core.subscriber();
    subscriber.sink.write(bytes("event: hello\ndata: {}\n\n"));
    const reply = await asked;
    expect((await reply.frame())?.event).toBe("hello");
    return { reply, subscriber };
  }

  test("given a stream, delivers each frame before the next one is written", async () => {
    const { reply, subscriber } = await open();
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    for (let n = 0; n < 20; n += 1) {
      subscriber.sink.write(frame(n));
      expect((await reply.frame())?.data.n).toBe(n);
    }
  });

  test("given shared bytes, does not change them", async () => {
    const { reply, subscriber } = await open();
    const shared = frame(1);
    subscriber.sink.write(shared);
    await reply.frame();
    expect(shared).toEqual(frame(1));
  });

  async function fill({ sink }: Scripted): Promise<number> {
    const padding = randomText(200_000);
    let written = 0;
    while (sink.write(frame(written, padding))) {
      written += 1;
      await setImmediate();
    }
    return written;
  }

  test("given a reader that does not read, reports that it is full, and later that it has drained", async () => {
    const { reply, subscriber } = await open();
    const written = await fill(subscriber);
    expect(subscriber.counts).toEqual({ drained: 0, closed: 0 });
    for (let n = 0; n <= written; n += 1) expect((await reply.frame())?.data.n).toBe(n);
    const last = reply.frame();
    await subscriber.until("drained");
    subscriber.sink.write(frame(-1));
    expect((await last)?.data.n).toBe(-1);
    expect(subscriber.counts.closed).toBe(0);
  });

  test("given many writes that find the reader full, adds no listener for each", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const { subscriber } = await open();
    await fill(subscriber);
    for (let n = 0; n < 12; n += 1) subscriber.sink.write(frame(n));
    // Node emits a warning in a later turn.
    await setImmediate();
    expect(warnings).toEqual([]);
    subscriber.sink.destroy();
    await subscriber.until("closed");
  });

  test("given the end, delivers everything that was written and closes the subscription", async () => {
    const { reply, subscriber } = await open();
    for (let n = 0; n < 50; n += 1) subscriber.sink.write(frame(n));
    subscriber.sink.end();
    expect(subscriber.sink.write(frame(-1))).toBe(false);
    expect((await reply.rest()).map(({ data }) => data.n)).toEqual([...Array(50).keys()]);
    await subscriber.until("closed");
  });

  test("given a destroyed sink, cuts the connection, closes the subscription and prints nothing", async () => {
    const printed = (["error", "warn", "info", "log"] as const).map((method) =>
      vi.spyOn(console, method),
    );
    onTestFinished(() => void vi.restoreAllMocks());
    const { reply, subscriber } = await open();
    await fill(subscriber);
    subscriber.sink.destroy();
    await expect(reply.text()).rejects.toThrow();
    await subscriber.until("closed");
    expect(subscriber.sink.write(frame(1))).toBe(false);
    for (const method of printed) expect(method).not.toHaveBeenCalled();
  });

  test("given a client that disconnects, aborts the signal, closes the stream and ignores late writes", async () => {
    const { reply, subscriber } = await open();
    reply.abort();
    await subscriber.until("closed");
    expect(subscriber.facts.signal.aborted).toBe(true);
    expect(subscriber.sink.write(frame(1))).toBe(false);
    subscriber.sink.end();
  });

  test("given HEAD, answers without a body and frees the slot", async () => {
    const reply = await host.client.ask(`${BASE}/job`, { ...STREAM, method: "HEAD" });
    const subscriber = await core.subscriber();
    await subscriber.until("closed");
    expect(reply.status).toBe(200);
    expect(await reply.text()).toBe("");
    const asked = host.client.ask(`${BASE}/job`, STREAM);
    (await core.subscriber()).sink.end();
    expect(comparable(reply.headers)).toEqual(comparable((await asked).headers));
  });

  test("given a request, passes on its method, path, query and headers unchanged", async () => {
    const long = "x".repeat(12_000);
    const path = `${BASE}/a%2Fb%20%E1%BA%A1/status?after=e.1&job=A&job=B%40c&wait=5`;
    const asked = host.client.ask(path, {
      ...STREAM,
      headers: { ...STREAM.headers, "x-long": long },
    });
    const { facts, sink } = await core.subscriber();
    expect(facts.method).toBe("GET");
    expect(facts.path).toBe("/a%2Fb%20%E1%BA%A1/status");
    expect([...facts.query]).toEqual([
      ["after", "e.1"],
      ["job", "A"],
      ["job", "B@c"],
      ["wait", "5"],
    ]);
    expect(facts.header("accept")).toBe("text/event-stream");
    expect(facts.header("x-long")).toBe(long);
    expect(facts.header("x-none")).toBeUndefined();
    expect(facts.header("constructor")).toBeUndefined();
    expect(facts.header("host")).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(facts.raw).toBeTypeOf("object");
    sink.end();
    await asked;
  });

  test("given a request body, answers without reading it", async () => {
    const asked = host.client.ask(`${BASE}/job/cancel`, {
      method: "POST",
      headers: { "content-type": "application/json", ...STREAM.headers },
      body: "{ not json ".repeat(20_000),
    });
    const { facts, sink } = await core.subscriber();
    expect(facts.method).toBe("POST");
    sink.end();
    expect((await asked).status).toBe(200);
  });

  test("given the mount point itself, passes on the path /", async () => {
    const asked = host.client.ask(`${BASE}?job=A`, STREAM);
    const { facts, sink } = await core.subscriber();
    expect(facts.path).toBe("/");
    expect(facts.query.get("job")).toBe("A");
    sink.end();
    await asked;
  });

  test("given a path that only begins with the same letters as the mount point, answers 404", async () => {
    const reply = await host.client.ask(`${BASE}-of-others/job`, STREAM);
    expect(reply.status).toBe(404);
  });
});

/** The headers that do not depend on whether there is a body. Compression leaves out answers without one. */
function comparable(headers: Reply["headers"]): Reply["headers"] {
  const ofBody = ["date", "connection", "keep-alive", "transfer-encoding", "content-encoding"];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofBody.includes(name)));
}

describe.each(Object.entries(HOSTS))("%s, before the answer", (_name, start) => {
  test("given a client that disconnects, aborts the signal and closes the late stream", async () => {
    const gate = new EventEmitter();
    const opened = once(gate, "open");
    const core = scriptedCore();
    const slow = {
      ...core,
      async handle(facts: Parameters<typeof core.handle>[0]) {
        const answer = await core.handle(facts);
        await opened;
        return answer;
      },
    };
    const host = await start(slow);
    const { abort, gone } = host.client.send(`${BASE}/job`, STREAM);
    const { signal } = await core.request();
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    abort();
    await Promise.all([aborted, gone]);
    gate.emit("open");
    const subscriber = await core.subscriber();
    await subscriber.until("closed");
    host.client.close();
    await host.close();
  });
});
