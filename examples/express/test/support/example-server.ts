import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { VideoManager } from "@emlinh/progress-client";
import { expect } from "vitest";

/** An example's server in a process of its own, started as `npm start` does. */
export interface ExampleServer {
  readonly origin: string;
  /** Asks it to stop, as an operator would, and gives its exit code. */
  stop(): Promise<number | null>;
}

/** Starts an example on a free port. */
export async function startExample(folder: URL): Promise<ExampleServer> {
  const child = spawn(process.execPath, ["server.mjs"], {
    cwd: folder,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const origin = await Promise.race([originOf(child.stdout), failure(child)]);
  return {
    origin,
    async stop() {
      child.kill("SIGTERM");
      return (await exited)[0];
    },
  };
}

async function originOf(output: Readable): Promise<string> {
  for await (const line of createInterface(output)) {
    const origin = /^Open (http:\S+)$/.exec(line)?.[1];
    if (origin !== undefined) return origin;
  }
  throw new Error("The server ended without a word.");
}

async function failure({ stderr }: ChildProcess): Promise<never> {
  let said = "";
  for await (const chunk of stderr ?? []) said += chunk;
  throw new Error(`The server failed: ${said}`);
}

/** What a viewer sees of one job, from its creation to its end. */
export async function watchOneJob(server: ExampleServer, createUrl: string, input: object) {
  const jobs = new VideoManager({
    baseUrl: `${server.origin}/api/progress`,
    createUrl: `${server.origin}${createUrl}`,
  });
  const watch = await jobs.create(input);
  const percents: (number | null)[] = [];
  watch.on("progress", ({ percent }) => percents.push(percent));
  const result = await watch.result;
  const { job } = watch.getSnapshot();
  jobs.close();
  return { id: watch.jobId, result, percents, job };
}

/** A progress bar: it moved, it never went back, and it reached its end. */
export function expectBar(percents: readonly (number | null)[]): void {
  expect(percents.length).toBeGreaterThan(2);
  expect(percents).toEqual([...percents].sort((a, b) => (a ?? 0) - (b ?? 0)));
  expect(percents.at(-1)).toBe(100);
}

/** Opens the stream of a job that has not ended, and reads it until the server ends it. */
export async function readStream(server: ExampleServer, createUrl: string, input: object) {
  const created = await fetch(`${server.origin}${createUrl}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  const { jobId } = (await created.json()) as { jobId: string };
  const stream = await fetch(`${server.origin}/api/progress/${jobId}`, {
    headers: { accept: "text/event-stream" },
  });
  expect(stream.status).toBe(200);
  return { jobId, text: stream.text() };
}

/** The names of a stream's events. */
export function eventsOf(text: string): string[] {
  return [...text.matchAll(/^event: (.+)$/gm)].map(([, name]) => name ?? "");
}
