import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProgress, memoryStore, type Progress } from "../../src/index.js";
import { BASE, type Host } from "./support/host.js";
import { HOSTS } from "./support/hosts.js";

const APP = "https://app.example.com";
const STREAM = { origin: APP, accept: "text/event-stream", "accept-encoding": "gzip" };

describe.each(Object.entries(HOSTS))("%s", (_name, start) => {
  let progress: Progress;
  let host: Host;
  let path: string;

  beforeEach(async () => {
    progress = createProgress({
      store: memoryStore(),
      authorize: ({ facts }) => ({ allow: true, principal: facts.header("x-user") }),
      cors: { origins: [APP], credentials: true },
      maxStreamsPerPrincipal: 1,
      sweepIntervalMs: false,
    });
    host = await start(progress);
    const { id } = await progress.create({ kind: "test" });
    path = `${BASE}/${id}`;
  });

  afterEach(async () => {
    await progress.drain({ spreadMs: 0 });
    host.client.close();
    await host.close();
    await progress.close();
  });

  test("given a preflight of an allowed origin, answers 204 with its headers", async () => {
    const headers = { origin: APP, "access-control-request-method": "POST" };
    const reply = await host.client.ask(`${path}/cancel`, { method: "OPTIONS", headers });
    expect([reply.status, await reply.text()]).toEqual([204, ""]);
    expect(reply.headers).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, POST, DELETE",
    });
  });

  test("given a stream and a refusal, sends the headers of CORS", async () => {
    const headers = { ...STREAM, "x-user": "ann" };
    const replies = [
      await host.client.ask(path, { headers }),
      await host.client.ask(path, { headers }),
    ];
    expect(replies.map(({ status }) => status)).toEqual([200, 429]);
    for (const reply of replies) {
      expect(reply.headers).toMatchObject({
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "ETag, Retry-After",
      });
      expect(`${reply.headers.vary}`.split(", ")).toContain("Origin");
    }
  });

  test("given a disconnect, ends the stream with bye: auth and frees its slot", async () => {
    const reply = await host.client.ask(path, { headers: { ...STREAM, "x-user": "ann" } });
    expect((await reply.frame())?.event).toBe("hello");
    expect(progress.disconnect({ principal: "bob" })).toBe(0);
    expect(progress.disconnect({ principal: "ann" })).toBe(1);
    const frames = await reply.rest();
    expect(frames.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
    await expect.poll(() => progress.metrics().slots).toBe(0);
  });
});
