import { once } from "node:events";
import type { Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { fetchProgress } from "../../src/adapters/fetch.js";
import { allowAnyone, createProgress, memoryStore } from "../../src/index.js";
import { listen } from "./support/host.js";
import { rawConnection } from "./support/raw-connection.js";

const SSE = "text/event-stream";

/** One job, served by `fetchProgress` in an app that may replace the body of the response. */
async function openApp(bodyFor = (body: ReadableStream<Uint8Array>) => body) {
  const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
  const serve = fetchProgress(progress);
  const server = createAdaptorServer({
    async fetch(request, env) {
      const { body, headers, status } = await serve(request, env);
      return new Response(body && bodyFor(body), { headers, status });
    },
  });
  const { port, close } = await listen(server as Parameters<typeof listen>[0]);
  onTestFinished(async () => {
    await progress.close();
    await close();
  });
  const { id } = await progress.create({ kind: "a" });
  const watch = async () => {
    const connected = once(server, "connection") as Promise<[Socket]>;
    const client = await rawConnection(port);
    onTestFinished(() => client.destroy());
    const [socket] = await connected;
    client.get({ path: `/${id}`, accept: SSE });
    await client.until("event: snapshot");
    return { client, socket };
  };
  return { watch, report: (message: string) => progress.update(id, { message }), progress, id };
}

/** The data of a chunked body, which may have more to come. */
function dataOf(answer: string): string {
  let rest = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  let data = "";
  while (rest !== "") {
    const at = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, at), 16);
    expect(rest.slice(at + 2 + size, at + 4 + size)).toBe("\r\n");
    data += rest.slice(at + 2, at + 2 + size);
    rest = rest.slice(at + 4 + size);
  }
  return data;
}

function transformed(transform: (text: string) => string) {
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  return (body: ReadableStream<Uint8Array>) =>
    body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece, controller) =>
          controller.enqueue(encoder.encode(transform(decoder.decode(piece)))),
      }),
    );
}

/** Enqueues what it reads in a stream of bytes, which detaches the buffer of each piece. */
function detached(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { value } = await reader.read();
      if (value) controller.enqueue(value as Uint8Array<ArrayBuffer>);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

describe("a body below @hono/node-server", () => {
  test("given changes, each is one chunk and one buffer for the socket", async () => {
    const { watch, report, progress, id } = await openApp();
    const { client, socket } = await watch();
    const write = vi.spyOn(socket, "write");
    for (const message of ["one", "two"]) {
      await report(message);
      await client.until(`"message":"${message}"`);
    }
    expect(write).toHaveBeenCalledTimes(2);
    await progress.end(id, "cancelled");
    const answer = await client.until("\r\n0\r\n\r\n");
    expect(dataOf(answer).match(/^event: .*/gm)).toEqual(
      ["hello", "snapshot", "progress", "progress", "end"].map((name) => `event: ${name}`),
    );
  });

  test("given an app that transforms the body, sends what the app made of each frame", async () => {
    const { watch, report } = await openApp(transformed((text) => `${text}: by the app\n\n`));
    const { client } = await watch();
    for (const message of ["one", "two"]) {
      await report(message);
      expect(dataOf(await client.until(`"message":"${message}"`))).toMatch(/: by the app\n\n$/);
    }
  });

  test("given an app that detaches what it reads, sends every frame to each reader", async () => {
    const { watch, report } = await openApp(detached);
    const readers = [await watch(), await watch(), await watch()];
    for (const message of ["one", "two"]) {
      await report(message);
      for (const { client } of readers) await client.until(`"message":"${message}"`);
    }
  });

  test("given a reader that stops and reads again, gets one delta from its own cursor", async () => {
    const { watch, progress, report, id } = await openApp();
    const { client, socket } = await watch();
    client.pause();
    // The system's own buffers take the first megabytes.
    for (let index = 0; socket.writableLength < 90_000; index += 1) {
      await progress.update(id, { metadata: { big: `${index}${"x".repeat(100_000)}` } });
      await new Promise((resolve) => setTimeout(resolve));
    }
    for (let index = 0; index < 50; index += 1) await report(`later ${index}`);
    client.resume();
    const answer = await client.until('"later 49"');
    expect(dataOf(answer)).not.toContain('"later 20"');
  });
});
