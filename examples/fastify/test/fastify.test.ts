import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type ExampleServer,
  eventsOf,
  expectBar,
  readStream,
  startExample,
  watchOneJob,
} from "../../express/test/support/example-server.js";

let server: ExampleServer;

beforeEach(async () => {
  server = await startExample(new URL("..", import.meta.url));
});

afterEach(async () => {
  expect(await server.stop()).toBe(0);
});

test("given a size, writes and hashes a file, and the percent rises to 100", async () => {
  const { result, percents, job } = await watchOneJob(server, "/api/files", { megabytes: 64 });
  expect(result).toEqual({
    bytes: 64 * 2 ** 20,
    sha256: "f30fb789a9f52beedf72cacba5240bcd34e513150a201daab9f24dde4051556d",
  });
  expectBar(percents);
  expect(job?.steps).toMatchObject({
    write: { status: "completed", done: 64 * 2 ** 20, total: 64 * 2 ** 20, unit: "bytes" },
    hash: { status: "completed", done: 64 * 2 ** 20 },
  });
});

test("given a stream, has all events from hello to end", async () => {
  const { text } = await readStream(server, "/api/files", { megabytes: 32 });
  const events = eventsOf(await text);
  expect(events.slice(0, 2)).toEqual(["hello", "snapshot"]);
  expect(events.at(-1)).toBe("end");
});

test("given a cancel, stops the work", async () => {
  const { jobId, text } = await readStream(server, "/api/files", { megabytes: 1024 });
  const url = `${server.origin}/api/progress/${jobId}/cancel`;
  expect((await fetch(url, { method: "POST" })).status).toBe(202);
  expect(await text).toMatch(/^event: end\ndata: .*"status":"cancelled"/m);
});

test("given the same request twice, creates one job", async () => {
  const ask = async () => {
    const response = await fetch(`${server.origin}/api/files`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "one" },
      body: '{"megabytes":1}',
    });
    return (await response.json()) as object;
  };
  expect(await ask()).toEqual(await ask());
});

test("given the address of the page, serves it and its client", async () => {
  const page = await (await fetch(server.origin)).text();
  const script = /<script src="(.+?)"/.exec(page)?.[1];
  const response = await fetch(`${server.origin}/${script}`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/javascript/);
});

test("given SIGTERM, closes the streams and exits", async () => {
  const { text } = await readStream(server, "/api/files", { megabytes: 1024 });
  const [code, events] = await Promise.all([server.stop(), text.then(eventsOf)]);
  expect(code).toBe(0);
  expect(["bye", "end"]).toContain(events.at(-1));
});
