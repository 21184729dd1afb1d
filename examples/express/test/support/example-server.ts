import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { JobManager } from "@emlinh/progress-client";
import { expect } from "vitest";

/** The server of an example in a separate process, started as `npm start` does. */
export interface ExampleServer {
  readonly origin: string;
  /** All that was written to stderr. */
  errors(): string;
  /** Sends SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** How an example is started. */
export interface StartOptions {
  /** The binary that runs it. @defaultValue this Node */
  readonly program?: string;
  /** The arguments of the program. @defaultValue `["server.mjs"]` */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Finds the address in a line that it prints. @defaultValue that of `Open http://…` */
  readonly address?: RegExp;
}

const ADDRESS = /^Open (http:\S+)$/;

/** Starts an example on a free port. */
export async function startExample(
  folder: URL,
  options: StartOptions = {},
): Promise<ExampleServer> {
  const { program = process.execPath, args = ["server.mjs"], env, address = ADDRESS } = options;
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "close") as Promise<[number | null]>;
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const origin = await originOf(child.stdout, address);
  if (origin === undefined) {
    await exited;
    throw new Error(`The server failed: ${errors}`);
  }
  child.stdout.resume();
  return {
    origin,
    errors: () => errors,
    async stop() {
      child.kill("SIGTERM");
      return (await exited)[0];
    },
  };
}

/** @returns `undefined` if the server exits before it prints its address. */
async function originOf(output: Readable, address: RegExp): Promise<string | undefined> {
  for await (const line of createInterface(output)) {
    const origin = address.exec(line)?.[1];
    if (origin !== undefined) return origin;
  }
  return undefined;
}

/** Creates a job and watches it until its end. */
export async function watchOneJob(server: ExampleServer, createUrl: string, input: object) {
  const jobs = new JobManager({
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

/** Expects percents that changed, never fell, and reached 100. */
export function expectBar(percents: readonly (number | null)[]): void {
  expect(percents.length).toBeGreaterThan(2);
  expect(percents).toEqual([...percents].sort((a, b) => (a ?? 0) - (b ?? 0)));
  expect(percents.at(-1)).toBe(100);
}

/** Creates a job and opens its stream. `text` resolves with the whole stream when the server ends it. */
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

/** The event names of a stream. */
export function eventsOf(text: string): string[] {
  return [...text.matchAll(/^event: (.+)$/gm)].map(([, name]) => name ?? "");
}
