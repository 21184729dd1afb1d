import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type ExampleServer,
  eventsOf,
  expectBar,
  readStream,
  startExample,
  watchOneJob,
} from "./support/example-server.js";

let server: ExampleServer;

beforeEach(async () => {
  server = await startExample(new URL("..", import.meta.url));
});

afterEach(async () => {
  expect(await server.stop()).toBe(0);
});

test("given a bound, counts the primes below it, and the percent rises to 100", async () => {
  const { result, percents, job } = await watchOneJob(server, "/api/primes", { below: 30_000_000 });
  expect(result).toEqual({ primes: 1_857_859 });
  expectBar(percents);
  expect(job?.steps).toMatchObject({
    sieve: { status: "completed", done: 30_000_000, total: 30_000_000, unit: "numbers" },
    check: { status: "completed" },
  });
});

test("given a stream, has all events from hello to end", async () => {
  const { text } = await readStream(server, "/api/primes", { below: 10_000_000 });
  const events = eventsOf(await text);
  expect(events.slice(0, 2)).toEqual(["hello", "snapshot"]);
  expect(events.at(-1)).toBe("end");
});

test("given a cancel, stops the work", async () => {
  const { jobId, text } = await readStream(server, "/api/primes", { below: 1_000_000_000 });
  const url = `${server.origin}/api/progress/${jobId}/cancel`;
  expect((await fetch(url, { method: "POST" })).status).toBe(202);
  expect(await text).toMatch(/^event: end\ndata: .*"status":"cancelled"/m);
});

test("given the same request twice, creates one job", async () => {
  const ask = async () => {
    const response = await fetch(`${server.origin}/api/primes`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "one" },
      body: '{"below":1000}',
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
  const { text } = await readStream(server, "/api/primes", { below: 1_000_000_000 });
  const [code, events] = await Promise.all([server.stop(), text.then(eventsOf)]);
  expect(code).toBe(0);
  expect(["bye", "end"]).toContain(events.at(-1));
});
