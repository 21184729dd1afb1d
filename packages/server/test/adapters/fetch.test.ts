import http from "node:http";
import { setImmediate } from "node:timers/promises";
import { createApp, eventHandler, toNodeListener, toWebRequest } from "h3-1";
import { describe, expect, test } from "vitest";
import { fetchProgress } from "../../src/adapters/fetch.js";
import { BASE, listen } from "./support/host.js";
import { scriptedCore } from "./support/scripted.js";

const URL_OF_JOB = `https://app.test${BASE}/job`;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (chunk: Uint8Array | undefined) => new TextDecoder().decode(chunk);

async function open(signal?: AbortSignal) {
  const core = scriptedCore();
  const request = new Request(URL_OF_JOB, signal ? { signal } : {});
  const response = await fetchProgress(core, { base: BASE })(request);
  if (!response.body) throw new Error("A stream has a body.");
  return { core, body: response.body, response };
}

describe("fetchProgress", () => {
  test("given a response that is not read yet, subscribes at the first read", async () => {
    const { core, body } = await open();
    const subscriber = core.subscriber();
    const first = await Promise.race([subscriber, setImmediate("none yet")]);
    expect(first).toBe("none yet");
    const reader = body.getReader();
    const read = reader.read();
    (await subscriber).sink.write(bytes("a"));
    expect(text((await read).value)).toBe("a");
  });

  test("given a response that is cancelled before it is read, frees the slot", async () => {
    const { core, body } = await open();
    await body.cancel();
    const { counts } = await core.subscriber();
    expect(counts.closed).toBe(1);
  });

  test("given a client that left before the answer, ends the body and frees the slot", async () => {
    const { core, body } = await open(AbortSignal.abort());
    expect((await core.subscriber()).counts.closed).toBe(1);
    expect(await body.getReader().read()).toEqual({ done: true, value: undefined });
  });

  test("given an abort during a read, ends the body and closes the subscription once", async () => {
    const client = new AbortController();
    const { core, body } = await open(client.signal);
    const reader = body.getReader();
    const read = reader.read();
    const { sink, counts } = await core.subscriber();
    client.abort();
    expect((await read).done).toBe(true);
    await reader.cancel();
    sink.end();
    sink.destroy();
    expect(sink.write(bytes("late"))).toBe(false);
    expect(counts).toEqual({ drained: 0, closed: 1 });
  });

  test("given a core that ends the stream within subscribe, closes it when all is read", async () => {
    let closed = 0;
    const answer = fetchProgress({
      handle: async () => ({
        kind: "stream",
        status: 200,
        headers: {},
        subscribe(sink) {
          for (const word of ["a", "b", "c"]) sink.write(bytes(word));
          sink.end();
          return { drained: () => {}, closed: () => (closed += 1) };
        },
      }),
    });
    const response = await answer(new Request(URL_OF_JOB));
    expect(await response.text()).toBe("abc");
    expect(closed).toBe(1);
  });

  test("given a core that ends an empty stream within subscribe, subscribes and closes it once", async () => {
    const counts = { subscribed: 0, closed: 0 };
    const answer = fetchProgress({
      handle: async () => ({
        kind: "stream",
        status: 200,
        headers: {},
        subscribe(sink) {
          counts.subscribed += 1;
          sink.end();
          return { drained: () => {}, closed: () => (counts.closed += 1) };
        },
      }),
    });
    const response = await answer(new Request(URL_OF_JOB));
    expect(await response.text()).toBe("");
    expect(counts).toEqual({ subscribed: 1, closed: 1 });
  });

  test("given a reader that does not read, is full after 16 KiB, and drained when they are read", async () => {
    const { core, body } = await open();
    const reader = body.getReader();
    const first = reader.read();
    const { sink, counts } = await core.subscriber();
    expect(sink.write(bytes("first"))).toBe(true);
    await first;
    expect(sink.write(new Uint8Array(16_383))).toBe(true);
    expect(sink.write(new Uint8Array(1))).toBe(false);
    await reader.read();
    expect(counts.drained).toBe(0);
    await reader.read();
    const next = reader.read();
    void reader.read();
    expect(counts.drained).toBe(1);
    await setImmediate();
    expect(sink.write(bytes("next"))).toBe(true);
    expect(text((await next).value)).toBe("next");
    expect(counts).toEqual({ drained: 1, closed: 0 });
  });

  test("given an end that is not read yet, closes the subscription when it is read", async () => {
    const { core, body } = await open();
    const reader = body.getReader();
    const first = reader.read();
    const { sink, counts } = await core.subscriber();
    sink.write(bytes("a"));
    sink.write(bytes("b"));
    sink.end();
    expect(text((await first).value)).toBe("a");
    expect(text((await reader.read()).value)).toBe("b");
    expect(counts.closed).toBe(0);
    expect((await reader.read()).done).toBe(true);
    expect(counts.closed).toBe(1);
  });

  test("given an end that is not read, drops it when the core destroys the sink", async () => {
    const { core, body } = await open();
    const reader = body.getReader();
    const first = reader.read();
    const { sink, counts } = await core.subscriber();
    sink.write(bytes("a"));
    sink.write(bytes("b"));
    sink.end();
    await first;
    sink.destroy();
    await expect(reader.read()).rejects.toMatchObject({ code: "closed" });
    expect(counts.closed).toBe(1);
  });

  test("given readers that detach what they get, sends each of them the same frames", async () => {
    const shared = bytes("a");
    const taken: string[] = [];
    for (let index = 0; index < 2; index += 1) {
      const { core, body } = await open();
      const read = body.getReader().read();
      (await core.subscriber()).sink.write(shared);
      const { value } = await read;
      if (value) taken.push(text(structuredClone(value, { transfer: [value.buffer] })));
    }
    expect(taken).toEqual(["a", "a"]);
  });

  test("given a reader that reads on while the stream ends, ends the body", async () => {
    const { core, body } = await open();
    const reader = body.getReader();
    const first = reader.read();
    const { sink, counts } = await core.subscriber();
    for (const word of ["a", "b", "c"]) sink.write(bytes(word));
    sink.end();
    const reads = await Promise.all([first, reader.read(), reader.read(), reader.read()]);
    expect(reads.map(({ value }) => text(value))).toEqual(["a", "b", "c", ""]);
    expect(reads.at(-1)?.done).toBe(true);
    expect(counts.closed).toBe(1);
  });

  test("given a path outside the base, answers 404 without asking the core", async () => {
    const core = scriptedCore();
    const response = await fetchProgress(core, { base: BASE })(new Request("https://app.test/x"));
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect(await response.json()).toMatchObject({ code: "not-found", status: 404 });
  });

  test("given a core that can't make the first frames, ends the body, and ignores a later abort", async () => {
    const client = new AbortController();
    const answer = fetchProgress({
      handle: async () => ({
        kind: "stream",
        status: 200,
        headers: {},
        subscribe() {
          throw new RangeError("too deep");
        },
      }),
    });
    const response = await answer(new Request(URL_OF_JOB, { signal: client.signal }));
    await expect(response.text()).rejects.toThrow("too deep");
    // An error in a listener of the signal would be an uncaught exception.
    client.abort();
    await setImmediate();
  });

  test("given the event of h3 1, which does not cancel bodies, notices a reader that leaves", async () => {
    const core = scriptedCore();
    const answer = fetchProgress(core, { base: BASE });
    const app = createApp().use(
      eventHandler((event) => answer(toWebRequest(event), { raw: event })),
    );
    const host = await listen(http.createServer(toNodeListener(app)));
    const asked = host.client.ask(`${BASE}/job`);
    const { sink, facts, until } = await core.subscriber();
    sink.write(bytes("event: hello\ndata: {}\n\n"));
    const reply = await asked;
    await reply.frame();
    reply.abort();
    await until("closed");
    expect(facts.signal.aborted).toBe(true);
    host.client.close();
    await host.close();
  });

  test("given the context of a framework, passes it on instead of the request", async () => {
    const core = scriptedCore();
    const raw = { user: "an" };
    await fetchProgress(core)(new Request(URL_OF_JOB), { raw });
    expect((await core.request()).raw).toBe(raw);
  });

  test("given another second argument, ignores it", async () => {
    const core = scriptedCore();
    const request = new Request(URL_OF_JOB);
    const answer = fetchProgress(core);
    for (const other of [{ params: { id: "job" } }, { timeout: () => {} }, {}, undefined]) {
      await answer(request, other);
      expect((await core.request()).raw).toBe(request);
    }
  });

  test.each([204, 304])(
    "given an answer %i without a body, returns a response without one",
    async (status) => {
      const core = scriptedCore(() => ({
        kind: "body",
        status,
        headers: { etag: "x" },
        body: null,
      }));
      const response = await fetchProgress(core)(new Request(URL_OF_JOB));
      expect(response.status).toBe(status);
      expect(response.headers.get("etag")).toBe("x");
      expect(response.body).toBeNull();
    },
  );
});
