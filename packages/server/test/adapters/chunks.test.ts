import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import net from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { nodeProgress } from "../../src/adapters/node.js";
import { allowAnyone, createProgress, memoryStore, type Progress } from "../../src/index.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Site {
  readonly progress: Progress;
  readonly port: number;
  /** The sockets of the server, in the order of their connections. */
  readonly sockets: Socket[];
}

async function openSite(wrap: (res: http.ServerResponse) => unknown = () => {}): Promise<Site> {
  const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
  const serve = nodeProgress(progress);
  const sockets: Socket[] = [];
  const server = http.createServer((req, res) => {
    wrap(res);
    serve(req, res);
  });
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  closing.push(() => server.closeAllConnections());
  closing.push(() => progress.close());
  return { progress, port: (server.address() as AddressInfo).port, sockets };
}

/** Sends a request as it is, and collects the bytes that come back. */
function rawRequest(port: number, text: string) {
  const socket = net.connect(port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (data) => {
    received += data;
  });
  socket.write(text);
  closing.push(() => socket.destroy());
  return {
    socket,
    received: () => received,
    until: (wanted: string | RegExp) => expect.poll(() => received).toMatch(wanted),
  };
}

const streamOf = (id: string, version = "1.1") =>
  `GET /${id} HTTP/${version}\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`;

/** The data of a body in chunked coding, and whether it is complete. */
function decodeChunks(body: string): { text: string; isComplete: boolean; sizes: number[] } {
  const bytes = Buffer.from(body);
  const sizes: number[] = [];
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
    expect(bytes.toString("latin1", at, end)).toMatch(/^[0-9a-f]+$/);
    if (size === 0) return { text, sizes, isComplete: true };
    sizes.push(size);
    text += bytes.toString("utf8", end + 2, end + 2 + size);
    expect(bytes.toString("latin1", end + 2 + size, end + 4 + size)).toBe("\r\n");
    at = end + 4 + size;
  }
  return { text, sizes, isComplete: false };
}

const bodyOf = (answer: string) => answer.slice(answer.indexOf("\r\n\r\n") + 4);

describe("a stream over HTTP/1.1", () => {
  test("given changes, each is one chunk and one write to the socket", async () => {
    const { progress, port, sockets } = await openSite();
    const { id } = await progress.create({ kind: "a" });
    const client = rawRequest(port, streamOf(id));
    await client.until("event: snapshot");
    const write = vi.spyOn(sockets[0] as Socket, "write");
    await progress.update(id, { message: "Đã xong 🎉" });
    await client.until("Đã xong 🎉");
    expect(write).toHaveBeenCalledTimes(1);
    const { text, sizes } = decodeChunks(bodyOf(client.received()));
    expect(sizes).toHaveLength(3);
    expect(text.match(/^event: .*/gm)).toEqual([
      "event: hello",
      "event: snapshot",
      "event: progress",
    ]);
  });

  test("given a new stream, the head and the first frames leave in one write", async () => {
    const { progress, port, sockets } = await openSite();
    const { id } = await progress.create({ kind: "a" });
    const client = rawRequest(port, "");
    await expect.poll(() => sockets).toHaveLength(1);
    const [socket] = sockets as [Socket];
    const writeOne = vi.spyOn(socket, "_write");
    const writeAll = vi.spyOn(socket, "_writev" as never);
    client.socket.write(streamOf(id));
    await client.until("event: snapshot");
    expect(writeOne).not.toHaveBeenCalled();
    expect(writeAll).toHaveBeenCalledTimes(1);
  });

  test("given the end of the job, the coding is complete, and the connection serves the next request", async () => {
    const { progress, port } = await openSite();
    const { id } = await progress.create({ kind: "a" });
    const client = rawRequest(port, streamOf(id));
    await client.until("event: snapshot");
    await progress.end(id, "cancelled");
    await client.until(/\r\n0\r\n\r\n/);
    const { text, isComplete } = decodeChunks(bodyOf(client.received()));
    expect(isComplete).toBe(true);
    expect(text).toContain("event: end");
    client.socket.write(`GET /${id}/status HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.until(/HTTP\/1\.1 200.*HTTP\/1\.1 200.*"status":"cancelled"/s);
    expect(client.received().match(/^HTTP\/1\.1 200/gm)).toHaveLength(2);
  });

  test("given an app that ends the response, writes nothing into the next one", async () => {
    const responses: http.ServerResponse[] = [];
    const { progress, port } = await openSite((res) => responses.push(res));
    const { id } = await progress.create({ kind: "a" });
    const client = rawRequest(port, streamOf(id));
    await client.until("event: snapshot");
    const written = progress.update(id, { message: "late" });
    responses[0]?.end();
    await written;
    client.socket.write(`GET /${id}/status HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.until(/HTTP\/1\.1 200.*HTTP\/1\.1 200.*"message":"late"/s);
    expect(client.received()).toMatch(/\r\n0\r\n\r\nHTTP\/1\.1 200/);
    expect(client.received()).not.toContain("event: progress");
  });

  test("given pipelined streams, sends one after the other", async () => {
    const { progress, port } = await openSite();
    const ids = [
      (await progress.create({ kind: "a" })).id,
      (await progress.create({ kind: "b" })).id,
    ];
    const client = rawRequest(port, ids.map((id) => streamOf(id)).join(""));
    await client.until('"kind":"a"');
    expect(client.received()).not.toContain('"kind":"b"');
    await progress.end(ids[0] as string, "cancelled");
    await client.until('"kind":"b"');
    await progress.end(ids[1] as string, "cancelled");
    await client.until(/event: end.*\r\n0\r\n\r\n.*event: end.*\r\n0\r\n\r\n/s);
  });

  test("given a reader that stops and reads again, gets one delta from its own cursor", async () => {
    const { progress, port, sockets } = await openSite();
    const { id } = await progress.create({ kind: "a" });
    const client = rawRequest(port, streamOf(id));
    await client.until("event: snapshot");
    client.socket.pause();
    const [socket] = sockets;
    // The system's own buffers take the first megabytes.
    for (let n = 0; (socket?.writableLength ?? 0) < 90_000; n += 1) {
      await progress.update(id, { metadata: { big: `${n}${"x".repeat(100_000)}` } });
      await new Promise((resolve) => setTimeout(resolve));
    }
    const queued = socket?.writableLength ?? 0;
    for (let n = 0; n < 50; n += 1) await progress.update(id, { message: `later ${n}` });
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket?.writableLength).toBeLessThanOrEqual(queued);
    client.socket.resume();
    await client.until("later 49");
    expect(client.received()).not.toContain("later 48");
    decodeChunks(bodyOf(client.received()));
    expect(socket?.listenerCount("drain")).toBeLessThanOrEqual(2);
  });
});

describe("a response whose bytes something else must see", () => {
  test("given middleware that replaces write, passes every frame to it", async () => {
    const seen: string[] = [];
    const { progress, port } = await openSite((res) => {
      const write = res.write.bind(res) as (chunk: Uint8Array) => boolean;
      res.write = ((chunk: Uint8Array) => {
        seen.push(Buffer.from(chunk).toString());
        return write(chunk);
      }) as typeof res.write;
    });
    const { id } = await progress.create({ kind: "a" });
    const client = rawRequest(port, streamOf(id));
    await client.until("event: snapshot");
    await progress.update(id, { message: "on" });
    await client.until('"message":"on"');
    expect(seen.join("")).toContain('"message":"on"');
    expect(seen.join("")).not.toContain("\r\n");
  });

  test("given HTTP/1.0, writes the frames without chunks", async () => {
    const { progress, port } = await openSite();
    const { id } = await progress.create({ kind: "a" });
    const client = rawRequest(port, streamOf(id, "1.0"));
    await client.until("event: snapshot");
    await progress.end(id, "cancelled");
    await client.until("event: end");
    expect(client.received()).not.toContain("transfer-encoding");
    expect(bodyOf(client.received()).startsWith("retry: ")).toBe(true);
    expect(bodyOf(client.received())).not.toContain("\r\n");
  });
});
