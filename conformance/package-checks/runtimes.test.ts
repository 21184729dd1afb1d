import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { JobWatch } from "@emlinh/progress-client";
import { allowAnyone, createProgress, memoryStore, type Progress } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newerFeatures } from "./newer-features.js";
import {
  fetchWithBody,
  fetchWithoutBody,
  loadClient,
  RequestOfReactNative,
  UrlOfReactNative,
} from "./old-platform.js";
import { folderOf, manifestOf } from "./packages.js";

const folder = folderOf("client");
const script: string = folder + manifestOf("client").unpkg;

describe("the platforms that the client can be executed on", () => {
  it.for([
    "dist/index.js",
    "dist/index.cjs",
    "dist/progress.global.js",
    "node_modules/eventsource-parser/dist/index.js",
  ])("given %s, finds nothing that a browser of 2020 or React Native lacks", (path) => {
    expect(newerFeatures({ path, text: readFileSync(folder + path, "utf8") })).toEqual([]);
  });

  it.for([
    ["a ??= 1", "the operator ??="],
    ["class A { b = 1 }", "a class field"],
    ["class A { #b() {} }", "a private name"],
    ["class A { static {} }", "a static block"],
    ["/(?<=a)b/.test(c)", "the pattern /(?<=a)b/"],
    ["1_000", "a numeric separator"],
    ["Object.hasOwn(a, b)", ".hasOwn"],
    ["list.at(-1)", ".at"],
    ["signal?.throwIfAborted()", ".throwIfAborted"],
    ["structuredClone(a)", "structuredClone"],
    ["new URLSearchParams()", "URLSearchParams"],
    ["new TextDecoder()", "TextDecoder without typeof"],
    ["crypto.getRandomValues(a)", "crypto without typeof"],
    [
      "a.addEventListener('b', c, { signal })",
      "addEventListener with options that may have a signal",
    ],
    ["addEventListener('b', c, d)", "addEventListener with options that may have a signal"],
  ])("finds %s", ([text = "", feature]) => {
    expect(newerFeatures({ path: "a.js", text })).toContain(`a.js:1 uses ${feature}`);
  });

  it.for([
    "a ?? b?.c",
    "typeof TextDecoder > 'u' || new TextDecoder()",
    "addEventListener('a', b, true)",
    "signal.addEventListener('abort', stop, { once: true })",
    "function f() { const options = { capture: true }; addEventListener('a', b, options) }",
    "a.crypto; ({ document: 1 })",
  ])("accepts %s", (text) => {
    expect(newerFeatures({ path: "a.js", text })).toEqual([]);
  });
});

describe("the script build on an old platform, with a real server", () => {
  let server: http.Server;
  let progress: Progress;
  let origin: string;

  beforeEach(async () => {
    progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
    const handle = nodeProgress(progress, { base: "/api" });
    server = http.createServer((request, response) => {
      if (request.url !== "/create") return handle(request, response);
      void progress.create({ kind: "video" }).then(({ id }) => {
        response.writeHead(202, { "content-type": "application/json" });
        response.end(JSON.stringify({ jobId: id }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await progress.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Creates and follows a job to its end, and cancels another one. Returns the first one's transports. */
  async function follow(client: typeof import("@emlinh/progress-client")): Promise<string[]> {
    const jobs = new client.JobManager({ baseUrl: `${origin}/api`, createUrl: `${origin}/create` });
    const watch = await jobs.create({ topic: "Huế" });
    const transports = new Set<string>();
    // A watch is idle until the connection of its manager opens.
    watch.on("connection", ({ status, transport }) => {
      if (status !== "idle") transports.add(transport);
    });
    const lines: string[] = [];
    watch.on("log", ({ text }) => lines.push(text));
    await untilKnown(watch);
    const work = progress.run(watch.jobId, async (job) => {
      job.log("Xin chào 🎬");
      await job.step("render", (step) => step.update({ done: 1, total: 2 }));
      return { videoUrl: "/v" };
    });
    expect(await watch.result).toEqual({ videoUrl: "/v" });
    await work;
    expect(lines).toEqual(["Xin chào 🎬"]);
    const other = await jobs.create({ topic: "Hội An" });
    expect(await jobs.cancel(other.jobId)).toMatchObject({ jobId: other.jobId });
    jobs.close();
    return [...transports];
  }

  const untilKnown = (watch: JobWatch): Promise<void> =>
    new Promise((resolve) => void watch.on("progress", () => resolve()));

  it("given React Native (no body, TextDecoder, crypto, document, URLSearchParams), polls at once", async () => {
    const { client } = loadClient(script, {
      fetch: fetchWithoutBody,
      Response: class {},
      Request: RequestOfReactNative,
      URL: UrlOfReactNative,
      // Without href.
      location: {},
      navigator: {},
    });
    expect(await follow(client)).toEqual(["poll"]);
  });

  it("given a browser of 2020, streams, and removes every listener from the page", async () => {
    const { client, pageListeners } = loadClient(script, {
      fetch: fetchWithBody,
      Request,
      Response,
      TextDecoder,
      document: { hidden: false },
      navigator: {},
      location: { href: `${origin}/` },
      crypto: { getRandomValues: crypto.getRandomValues.bind(crypto) },
    });
    expect(await follow(client)).toEqual(["stream"]);
    expect(pageListeners()).toBe(0);
  });

  it("given React Native and a server that is away for a moment, tries again", async () => {
    let failures = 0;
    const { client } = loadClient(script, {
      fetch: (...request: Parameters<typeof fetch>) => {
        failures += 1;
        return failures > 1
          ? fetchWithoutBody(...request)
          : Promise.reject(new TypeError("Network request failed"));
      },
      Request: RequestOfReactNative,
      URL: UrlOfReactNative,
    });
    const { id } = await progress.create({ kind: "video" });
    const watch = client.watchJob(id, { baseUrl: `${origin}/api`, backoffMs: [1] });
    await untilKnown(watch);
    watch.stop();
    expect(failures).toBeGreaterThan(1);
  });

  it("given a platform without TextDecoder, refuses a watch that must stream, and names what is missing", () => {
    const { client } = loadClient(script, { fetch: fetchWithBody, Response });
    const options = { baseUrl: origin, transport: "stream" } as const;
    expect(() => client.watchJob("a", options)).toThrow(
      'The option "transport" must be auto or poll: this platform has no TextDecoder, but it is "stream".',
    );
  });

  it("given a platform without fetch, the first request fails, and names what is missing", async () => {
    const { client } = loadClient(script, {});
    await expect(client.watchJob("a", { baseUrl: origin }).result).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(
        '"fetch" must be a function, because this platform has no fetch',
      ),
    });
  });
});
