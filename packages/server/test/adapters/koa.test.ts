import http from "node:http";
import Koa from "koa";
import { expect, onTestFinished, test, vi } from "vitest";
import { koaProgress } from "../../src/adapters/koa.js";
import type { BodyAnswer, StreamAnswer } from "../../src/core/http/types.js";
import { BASE, listen } from "./support/host.js";
import { scriptedCore } from "./support/scripted.js";

const STREAM = { headers: { accept: "text/event-stream" } };
const ENDED: StreamAnswer = {
  kind: "stream",
  status: 200,
  headers: { "content-type": "text/event-stream; charset=utf-8", vary: "Accept, Cookie" },
  subscribe(sink) {
    sink.end();
    return { drained: () => {}, closed: () => {} };
  },
};
const BODY: BodyAnswer = {
  kind: "body",
  status: 202,
  headers: { "content-type": "application/json; charset=utf-8", vary: "Accept, Cookie" },
  body: "{}",
};

async function start(app: Koa) {
  const host = await listen(http.createServer(app.callback()));
  onTestFinished(async () => {
    host.client.close();
    await host.close();
  });
  return host.client;
}

test("given headers of earlier middleware, sends them and merges Vary, with a body and with a stream", async () => {
  const core = scriptedCore(({ path }) => (path === "/body" ? BODY : ENDED));
  const app = new Koa();
  app.use((context, next) => {
    context.set("access-control-allow-origin", "https://page.test");
    context.append("set-cookie", "a=1");
    context.append("set-cookie", "b=2");
    context.vary("Origin");
    return next();
  });
  app.use(koaProgress(core, { base: BASE }));
  const client = await start(app);
  for (const path of ["/body", "/stream"]) {
    const { status, headers } = await client.ask(`${BASE}${path}`, STREAM);
    expect(status).toBe(path === "/body" ? 202 : 200);
    expect(headers["access-control-allow-origin"]).toBe("https://page.test");
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(headers.vary).toBe("Origin, Accept, Cookie");
  }
});

test("given a request outside the base, leaves it to the next middleware", async () => {
  const core = scriptedCore(() => BODY);
  const app = new Koa();
  app.use(koaProgress(core, { base: BASE }));
  app.use((context) => {
    context.body = "other";
  });
  const reply = await (await start(app)).ask("/other", STREAM);
  expect(await reply.text()).toBe("other");
  expect(core.asked()).toBe(0);
});

test("given a response that was begun before, cuts it, tells the app and frees the slot", async () => {
  const core = scriptedCore();
  const app = new Koa();
  app.silent = true;
  const onError = vi.fn();
  app.on("error", onError);
  app.use((context, next) => {
    context.res.write("begun");
    return next();
  });
  app.use(koaProgress(core, { base: BASE }));
  const client = await start(app);
  const reply = await client.ask(`${BASE}/job`, STREAM);
  await expect(reply.text()).rejects.toThrow();
  await (await core.subscriber()).until("closed");
  expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "ERR_HTTP_HEADERS_SENT" });
});

test("given no Progress, or a wrong base, throws invalid-option", () => {
  expect(() => koaProgress(undefined as never)).toThrow("koaProgress: progress is undefined");
  expect(() => koaProgress(scriptedCore(), { base: "api" })).toThrow('koaProgress: base is "api"');
});
