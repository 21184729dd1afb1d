import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type ExampleServer,
  eventsOf,
  readStream,
  startExample,
} from "../../express/test/support/example-server.js";

let server: ExampleServer;

beforeEach(async () => {
  server = await startExample(new URL("..", import.meta.url));
});

afterEach(async () => {
  expect(await server.stop()).toBe(0);
});

interface Family {
  readonly type: string;
  readonly help: string;
  /** By name and labels, as they stand in the line. */
  readonly samples: Map<string, number>;
}

/** Parses the text format of Prometheus. @throws if a line is malformed, or stands outside its family. */
function parseMetrics(text: string): Map<string, Family> {
  expect(text.endsWith("\n")).toBe(true);
  const families = new Map<string, Family>();
  let help: RegExpExecArray | null = null;
  let current: { readonly name: string; readonly family: Family } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const helpLine = /^# HELP ([a-z_]+) (\S.*)$/.exec(line);
    const typeLine = /^# TYPE ([a-z_]+) (gauge|counter|histogram)$/.exec(line);
    if (helpLine) help = helpLine;
    else if (typeLine) {
      const [, name = "", type = ""] = typeLine;
      expect(help?.[1]).toBe(name);
      expect(families.has(name)).toBe(false);
      current = { name, family: { type, help: help?.[2] ?? "", samples: new Map() } };
      families.set(name, current.family);
    } else addSample(current, line);
  }
  return families;
}

function addSample(
  current: { readonly name: string; readonly family: Family } | undefined,
  line: string,
): void {
  const labels = String.raw`\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\}`;
  const sample = new RegExp(`^(([a-z_]+)(?:${labels})?) ([0-9.e+-]+)$`).exec(line);
  if (!sample || !current) throw new Error(`Malformed: ${line}`);
  const [, key = "", name = "", value] = sample;
  const suffix = current.family.type === "histogram" ? /_(bucket|sum|count)$/ : /^$/;
  expect(name.replace(suffix, "")).toBe(current.name);
  expect(current.family.samples.has(key)).toBe(false);
  current.family.samples.set(key, Number(value));
}

async function scrape() {
  const response = await fetch(`${server.origin}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const families = parseMetrics(await response.text());
  const value = (key: string, family = key.replace(/\{.*/, "")) =>
    families.get(family)?.samples.get(key);
  return { families, value };
}

test("given a job, a stream and a refusal, the scraped figures have them", async () => {
  const before = await scrape();
  expect(before.value("progress_streams_opened_total")).toBe(0);
  const { text } = await readStream(server, "/api/waits", {});
  expect((await scrape()).value("progress_streams")).toBe(1);
  expect(eventsOf(await text).at(-1)).toBe("end");
  expect((await fetch(`${server.origin}/api/progress/unknown`)).status).toBe(404);
  const { value, families } = await scrape();
  expect(value("progress_streams")).toBe(0);
  expect(value("progress_streams_opened_total")).toBe(1);
  expect(value('progress_streams_closed_total{reason="end"}')).toBe(1);
  expect(value('progress_jobs_ended_total{status="completed"}')).toBe(1);
  expect(value('progress_refusals_total{code="job-not-found"}')).toBe(1);
  expect(value("progress_deltas_total")).toBeGreaterThan(2);
  expect(value("progress_bytes_total")).toBeGreaterThan(500);
  const writes = families.get("progress_store_duration_seconds")?.samples;
  const inf = writes?.get('progress_store_duration_seconds_bucket{method="write",le="+Inf"}');
  expect(inf).toBeGreaterThan(2);
  expect(writes?.get('progress_store_duration_seconds_count{method="write"}')).toBe(inf);
  const lag = families.get("progress_write_to_wire_seconds")?.samples;
  expect(lag?.get("progress_write_to_wire_seconds_count")).toBeGreaterThan(1);
});

test("given two scrapes, no counter and no bucket falls, and buckets rise with their bound", async () => {
  const { text } = await readStream(server, "/api/waits", {});
  const first = await scrape();
  await text;
  const second = await scrape();
  for (const [name, { type, samples }] of first.families) {
    if (type === "gauge") continue;
    for (const [key, value] of samples)
      expect(second.value(key, name), key).toBeGreaterThanOrEqual(value);
  }
  const { samples } = second.families.get("progress_write_to_wire_seconds") ?? {};
  const buckets = [...(samples ?? [])].filter(([key]) => key.includes("_bucket")).map(([, n]) => n);
  expect(buckets.length).toBeGreaterThan(5);
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
});

test("given a probe, answers 200, and 503 while the server drains", async () => {
  expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
  // The stream keeps the server from exiting until it is sent away.
  const { text } = await readStream(server, "/api/waits", {});
  const stopped = server.stop();
  let status = 200;
  while (status === 200) status = (await fetch(`${server.origin}/healthz`)).status;
  expect(status).toBe(503);
  expect(await stopped).toBe(0);
  expect(["bye", "end"]).toContain(eventsOf(await text).at(-1));
});
