import { once } from "node:events";
import http from "node:http";
import { connect, type Socket } from "node:net";
import { ProgressError } from "@emlinh/progress-protocol";
import express from "express";
import express4 from "express4";
import { fastify } from "fastify";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expressProgress } from "../../src/adapters/express.js";
import { type DrainableProgress, fastifyProgress } from "../../src/adapters/fastify.js";
import { fetchProgress } from "../../src/adapters/fetch.js";
import { collectBody } from "../../src/core/http/body.js";
import type { BodyAnswer } from "../../src/index.js";
import { BASE, type Host, hostOf, listen } from "./support/host.js";
import { HOSTS } from "./support/hosts.js";

const MAX_BYTES = 300_000;

/** A handler that answers with the body of the request, or with the code of the error that reading it threw. */
function echo(timeoutMs: number) {
  const codes: string[] = [];
  const answer = (value: object): BodyAnswer => ({
    kind: "body",
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  });
  const progress: DrainableProgress = {
    async handle(facts) {
      try {
        return answer({ text: await facts.body?.({ maxBytes: MAX_BYTES, timeoutMs }) });
      } catch (error) {
        const code = error instanceof ProgressError ? error.code : String(error);
        codes.push(code);
        return answer({ code });
      }
    },
    drain: async () => {},
  };
  return { progress, codes };
}

const POST = { method: "POST", headers: { "content-type": "application/json" } };
const PATH = `${BASE}/job/updates`;
/** Characters of two to four bytes, so that chunks cut some of them. */
const TEXT = JSON.stringify({ text: "Đặng 😀 ".repeat(15_000) });

describe.each(Object.entries(HOSTS))("%s", (name, start) => {
  const isHttp2 = /http\/?2/i.test(name);
  let host: Host;
  let codes: string[];
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    const handler = echo(300);
    codes = handler.codes;
    host = await start(handler.progress);
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    host.client.close();
    await host.close();
  });

  async function ask(body?: string) {
    return (await host.client.ask(PATH, { ...POST, ...(body !== undefined && { body }) })).json();
  }

  /** Sends the head of a request of 100 bytes, and a part of its body. */
  async function sendPart(): Promise<Socket> {
    const socket = connect(host.port, "127.0.0.1");
    sockets.push(socket);
    await once(socket, "connect");
    const head = `POST ${PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n`;
    socket.write(`${head}{"a":`);
    return socket;
  }

  test("given a body of many chunks, reads it whole", async () => {
    const { text } = await ask(TEXT);
    // A failure must not print both texts.
    expect(text === TEXT, `${String(text).length} characters`).toBe(true);
  });

  test("given no body, reads an empty text", async () => {
    expect(await ask()).toEqual({ text: "" });
  });

  test("given a body that is too large, refuses it and takes the next one", async () => {
    expect(await ask("x".repeat(MAX_BYTES + 1))).toEqual({ code: "too-large" });
    // Frameworks have bounds of their own, which are not for these bodies.
    expect(await ask("x".repeat(2_000_000))).toEqual({ code: "too-large" });
    expect(await ask("y".repeat(MAX_BYTES))).toEqual({ text: "y".repeat(MAX_BYTES) });
  });

  test.skipIf(isHttp2)("given a body that does not arrive, refuses it in time", async () => {
    const socket = await sendPart();
    let answer = "";
    for await (const chunk of socket) {
      answer += chunk;
      if (answer.includes("}")) break;
    }
    expect(answer).toContain("request-timed-out");
  });

  test.skipIf(isHttp2)("given a client that leaves within the body, gives up", async () => {
    const socket = await sendPart();
    socket.destroy();
    await expect.poll(() => codes).toEqual(["closed"]);
  });
});

describe("given a body that a parser of the app has read", () => {
  let host: Host;
  afterEach(async () => {
    host.client.close();
    await host.close();
  });

  const parsers = { json: "json", text: "text", raw: "raw" } as const;
  const cases = Object.keys(parsers).flatMap((parser) =>
    [express, express4].map((make, index) => [`Express ${5 - index}`, parser, make] as const),
  );

  test.each(cases)("%s with express.%s() passes it on", async (_name, parser, make) => {
    const app = make();
    const parse = { json: make.json, text: make.text, raw: make.raw }[parser as "json"];
    app.use(parse({ type: "*/*", limit: "1mb" }));
    app.use(BASE, expressProgress(echo(300).progress));
    host = await listen(http.createServer(app));
    const reply = await host.client.ask(PATH, { ...POST, body: '{"hold":{"count":1}}' });
    expect(await reply.json()).toEqual({ text: '{"hold":{"count":1}}' });
  });

  test("Express with a parser of another type reads it itself", async () => {
    const app = express4();
    app.use(express4.urlencoded({ extended: false }));
    app.use(BASE, expressProgress(echo(300).progress));
    host = await listen(http.createServer(app));
    expect(await (await host.client.ask(PATH, { ...POST, body: "{}" })).json()).toEqual({
      text: "{}",
    });
  });

  test("Express whose middleware sets an encoding reads it", async () => {
    const app = express();
    app.use((req, _res, next) => void next(req.setEncoding("utf8") && undefined));
    app.use(BASE, expressProgress(echo(300).progress));
    host = await listen(http.createServer(app));
    const { text } = await (await host.client.ask(PATH, { ...POST, body: TEXT })).json();
    expect(text === TEXT).toBe(true);
  });

  test("Express whose middleware reads and drops it refuses it", async () => {
    const app = express();
    app.use((req, _res, next) => void req.resume().once("end", next));
    app.use(BASE, expressProgress(echo(300).progress));
    host = await listen(http.createServer(app));
    expect(await (await host.client.ask(PATH, { ...POST, body: "{}" })).json()).toEqual({
      code: "invalid-request",
    });
  });

  test("Fastify with a small bodyLimit and a parser of its own leaves it to the plugin", async () => {
    const app = fastify({ bodyLimit: 100 });
    app.addContentTypeParser("text/plain", { parseAs: "string" }, (_request, body, done) =>
      done(null, body),
    );
    await app.register(fastifyProgress, { prefix: BASE, progress: echo(300).progress });
    await app.listen({ port: 0, host: "127.0.0.1" });
    host = hostOf(app.server, { close: () => app.close() });
    expect(await (await host.client.ask(PATH, { ...POST, body: TEXT })).json()).toEqual({
      text: TEXT,
    });
  });
});

test("given a Request whose body was read, fetchProgress refuses it", async () => {
  const serve = fetchProgress(echo(300).progress, { base: BASE });
  const request = new Request(`http://a${PATH}`, { ...POST, body: "{}" });
  await request.text();
  expect(await (await serve(request)).json()).toEqual({ code: "invalid-request" });
});

test("given bytes that are not UTF-8, refuses them", () => {
  const body = collectBody({ maxBytes: 10, timeoutMs: 1 });
  body.add(Uint8Array.of(0x22, 0xff, 0x22));
  expect(() => body.text()).toThrow(expect.objectContaining({ code: "invalid-request" }));
});
