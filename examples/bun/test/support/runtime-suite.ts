import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ProgressMetrics } from "@emlinh/progress-server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "../../../../conformance/package-checks/command.js";
import {
  type ExampleServer,
  eventsOf,
  readStream,
  startExample,
} from "../../../express/test/support/example-server.js";

/** A runtime that is not Node, and its example. */
export interface Runtime {
  readonly name: string;
  /** The folder of the example, with a trailing slash. */
  readonly folder: URL;
  /** The path of the binary below `node_modules`, by platform and architecture. No install script is needed for it. */
  readonly binaries: Readonly<Record<string, string>>;
  /** The arguments before the name of a program. */
  readonly args: readonly string[];
}

interface Delta {
  readonly cursor: string;
  readonly set: { readonly percent?: number };
  readonly done?: boolean;
}

/**
 * Longer than the idle timeout of Bun, which is 10 s and is noticed at 12 s, and shorter than the interval of the
 * heartbeats (15 s).
 */
const SILENCE_MS = 14_000;
const ENDLESS = { ticks: 1, tickMs: 3_600_000 };
const CREATE_URL = "/api/countdowns";

/** The binary of a runtime. `undefined` if its packages are not for this platform. */
export function binaryOf({ binaries, folder }: Runtime): string | undefined {
  const path = binaries[`${process.platform}-${process.arch}`];
  if (path === undefined) return undefined;
  const file = fileURLToPath(new URL(`node_modules/${path}`, folder));
  return existsSync(file) ? file : undefined;
}

/** Runs the example of a runtime as its user does: the server, and the client in another process. */
export function runtimeSuite(runtime: Runtime): void {
  const { name, folder, args } = runtime;
  const binary = binaryOf(runtime);
  const isRequired =
    process.env.CI === "true" && `${process.platform}-${process.arch}` in runtime.binaries;

  test.runIf(isRequired)(`the binary of ${name} is installed`, () => {
    expect(binary).toBeDefined();
  });

  describe.skipIf(binary === undefined)(`the example on ${name}`, () => {
    const command = (...program: string[]) => [binary ?? "", ...args, ...program] as const;
    let server: ExampleServer;

    beforeEach(async () => {
      const program = binary ?? "";
      server = await startExample(folder, { program, args: [...args, "server.ts"] });
    });

    afterEach(async () => {
      expect(await server.stop()).toBe(0);
    });

    const urlOf = (jobId: string) => `${server.origin}/api/progress/${jobId}`;

    async function metrics(): Promise<ProgressMetrics> {
      return (await (await fetch(`${server.origin}/metrics`)).json()) as ProgressMetrics;
    }

    async function createJob(input: object): Promise<string> {
      const body = JSON.stringify(input);
      const response = await fetch(server.origin + CREATE_URL, { method: "POST", body });
      expect(response.status).toBe(202);
      return ((await response.json()) as { jobId: string }).jobId;
    }

    async function poll(jobId: string, query: string): Promise<Delta> {
      const headers = { accept: "application/json" };
      const response = await fetch(`${urlOf(jobId)}?${query}`, { headers });
      expect(response.status).toBe(200);
      return (await response.json()) as Delta;
    }

    test("given a job, streams it from hello to end, and frees the stream", async () => {
      const { text } = await readStream(server, CREATE_URL, { ticks: 3, tickMs: 150 });
      const events = eventsOf(await text);
      expect(events.slice(0, 2)).toEqual(["hello", "snapshot"]);
      expect(events.filter((event) => event === "progress").length).toBeGreaterThan(1);
      expect(events.at(-1)).toBe("end");
      expect(await metrics()).toMatchObject({ streams: 0, streamsClosed: { end: 1 } });
    });

    test("given long polls, each answers with the next change until the end", async () => {
      const jobId = await createJob({ ticks: 3, tickMs: 150 });
      const percents = [];
      let delta = await poll(jobId, "");
      while (!delta.done) {
        delta = await poll(jobId, `after=${delta.cursor}&wait=5`);
        percents.push(delta.set.percent);
      }
      expect(percents.slice(0, 3)).toEqual([33.3, 66.6, 100]);
    });

    test("given a cancel, ends the job and its stream", async () => {
      const { jobId, text } = await readStream(server, CREATE_URL, ENDLESS);
      expect((await fetch(`${urlOf(jobId)}/cancel`, { method: "POST" })).status).toBe(202);
      expect(await text).toMatch(/^event: end\ndata: .*"status":"cancelled"/m);
    });

    test("given readers that leave a stream and a long poll, frees both", async () => {
      const jobId = await createJob(ENDLESS);
      const { cursor } = await poll(jobId, "");
      const { signal, abort } = abortable();
      const headers = { accept: "text/event-stream" };
      const { body } = await fetch(urlOf(jobId), { headers, signal });
      await body?.getReader().read();
      const polled = fetch(`${urlOf(jobId)}?after=${cursor}&wait=20`, { signal });
      await expect.poll(metrics).toMatchObject({ streams: 1, polls: 1 });
      abort();
      await expect(polled).rejects.toThrow();
      await expect.poll(metrics).toMatchObject({ streams: 0, polls: 0, slots: 0 });
      expect(await metrics()).toMatchObject({ streamsClosed: { client: 1 } });
    });

    test("given a job that is silent for 14 s, its stream and its long poll stay open", async () => {
      const { jobId, text } = await readStream(server, CREATE_URL, {
        ticks: 1,
        tickMs: SILENCE_MS,
      });
      const { cursor } = await poll(jobId, "");
      expect((await poll(jobId, `after=${cursor}&wait=20`)).set).toMatchObject({ percent: 100 });
      const events = eventsOf(await text);
      expect(events).not.toContain("heartbeat");
      expect(events.at(-1)).toBe("end");
    });

    test("given SIGTERM, sends the readers away and exits", async () => {
      const { text } = await readStream(server, CREATE_URL, ENDLESS);
      expect(await server.stop()).toBe(0);
      expect(await text).toMatch(/^event: bye\ndata: .*"reason":"drain"/m);
    });

    test(`given the client on ${name}, it watches a job until its end`, async () => {
      const jobId = await createJob({ ticks: 3, tickMs: 500 });
      const [program, ...rest] = command("watch.ts", `${server.origin}/api/progress`, jobId);
      const output = await run(program, rest, fileURLToPath(folder));
      expect(output).toMatch(/^running, 33.3 %\nrunning, 66.6 %\n/m);
      expect(output).toMatch(/^completed, 100 %\nResult: {"ticks":3}$/m);
      expect(await metrics()).toMatchObject({ streamsOpened: 1, refusals: {} });
    });
  });

  test.skipIf(binary === undefined)(
    `every entry can be imported and required on ${name}`,
    async () => {
      const program = fileURLToPath(new URL("load-entries.mjs", import.meta.url));
      const names: Record<string, { values: string[] }> = JSON.parse(
        readFileSync(
          new URL("../../../../conformance/package-checks/public-names.json", import.meta.url),
          "utf8",
        ),
      );
      const flags = args.length > 0 ? ["run", "--allow-all"] : [];
      const output = await run(
        binary ?? "",
        [...flags, program, ...Object.keys(names)],
        fileURLToPath(folder),
      );
      const values = Object.entries(names).map(([entry, { values }]) => [entry, values]);
      expect(JSON.parse(output)).toEqual({
        imported: Object.fromEntries(values),
        required: Object.fromEntries(values),
      });
    },
  );
}

function abortable(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
