import { mkdir, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/pipeline/request.js";
import { OPTIONS_PATH, PLAIN_PATH, SCRIPT_PATH } from "../../src/shared/addresses.js";
import { type OpenStudio, openStudio, temporaryDirectory } from "./support.js";

/** A minimal built page. */
async function builtPage(): Promise<string> {
  const pageDir = join(await temporaryDirectory(), ".dist", "page");
  await mkdir(join(pageDir, "assets"), { recursive: true });
  await writeFile(join(pageDir, "index.html"), "<!doctype html><title>Em Linh</title>");
  await writeFile(join(pageDir, "plain.html"), "<!doctype html><title>Plain</title>");
  await writeFile(join(pageDir, "assets", "main-abc123.js"), "export {};");
  return pageDir;
}

function at(studio: OpenStudio, path: string): Promise<Response> {
  return fetch(new URL(path, studio.url));
}

/** The status for a path as written. `fetch` would resolve its dots. */
function rawStatus(studio: OpenStudio, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(studio.url);
  return new Promise((resolve, reject) => {
    get({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

describe("pages", () => {
  test("given a built page, serves it, and lets caches store the hashed assets", async () => {
    const studio = await openStudio({ pageDir: await builtPage() });
    const page = await at(studio, "/");
    expect(await page.text()).toContain("Em Linh");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const asset = await at(studio, "/assets/main-abc123.js");
    expect(asset.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(asset.headers.get("content-type")).toContain("text/javascript");
    const plain = await at(studio, PLAIN_PATH);
    expect(await plain.text()).toContain("Plain");
    expect(plain.headers.get("content-type")).toContain("text/html");
  });

  test("given any answer, it has the security headers", async () => {
    const studio = await openStudio({ pageDir: await builtPage() });
    const paths = ["/", PLAIN_PATH, OPTIONS_PATH, "/nowhere", "/api/video-progress/unknown/status"];
    for (const path of paths) {
      const { headers } = await at(studio, path);
      expect(Object.fromEntries(headers), path).toMatchObject({
        "content-security-policy": expect.stringContaining("script-src 'self';"),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      });
      expect(headers.get("content-security-policy"), path).not.toMatch(/unsafe|data:|\*/u);
      expect(headers.has("x-powered-by"), path).toBe(false);
    }
  });

  test("given the address of the script, serves the client's script-tag build", async () => {
    const studio = await openStudio({ pageDir: await builtPage() });
    const script = await at(studio, SCRIPT_PATH);
    expect(script.status).toBe(200);
    expect(script.headers.get("content-type")).toContain("text/javascript");
    expect(await script.text()).toMatch(/\bEmLinhProgress\b/u);
  });

  test("given a page that is not built, answers 404", async () => {
    const studio = await openStudio({ pageDir: join(await temporaryDirectory(), "none") });
    for (const path of ["/", PLAIN_PATH]) {
      const response = await at(studio, path);
      expect(response.status, path).toBe(404);
      expect(await response.text(), path).not.toContain(studio.dataDir);
    }
  });
});

test("given the address of the options, answers with all options", async () => {
  const studio = await openStudio();
  const options = await (await at(studio, OPTIONS_PATH)).json();
  expect(options).toMatchObject({
    voices: expect.arrayContaining([
      { id: "vi+f3", language: "vi", label: { vi: expect.any(String), en: expect.any(String) } },
    ]),
    compositions: expect.arrayContaining([expect.objectContaining({ id: "spotlight" })]),
    backgrounds: expect.arrayContaining([expect.objectContaining({ id: "ocean" })]),
    limits: {
      topicLength: LIMITS.maxTextChars,
      minDuration: LIMITS.minSeconds,
      maxDuration: LIMITS.maxSeconds,
    },
  });
});

describe("a path that does not exist", () => {
  test.each([
    "/api/videos/unknown/file",
    "/api/videos/unknown/poster",
    "/api/videos/unknown/preview?f=1",
    "/api/videos/unknown/speech",
    "/api/videos/unknown/constructor",
    "/api/videos/unknown",
    "/api/nowhere",
    "/nowhere.html",
    "/api/video-progress/unknown/status",
  ])("given %s, answers 404 as a problem", async (path) => {
    const studio = await openStudio();
    const response = await at(studio, path);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    const problem = await response.text();
    expect(JSON.parse(problem)).toMatchObject({
      status: 404,
      code: expect.stringMatching(/not-found$/u),
    });
    expect(problem).not.toContain(studio.dataDir);
  });

  test.each([
    "/api/videos/../../secret/file",
    "/api/videos/..%2fsecret/file",
    "/api/videos/%2e%2e/file",
    "/api/videos/..%5c..%5csecret/file",
    "/api/videos/.hidden/file",
    "/api/videos/a%00b/file",
    `/api/videos/${"a".repeat(129)}/file`,
    "/assets/..%2f..%2fsecret.txt",
    "/..%2f..%2f..%2fetc%2fpasswd",
  ])("given %s, serves nothing outside the directory", async (path) => {
    const studio = await openStudio({ pageDir: await builtPage() });
    // The files that the paths would reach if they could leave the directory.
    for (const name of ["..", ".hidden", "../secret"]) {
      await mkdir(join(studio.dataDir, "videos", name), { recursive: true });
      await writeFile(join(studio.dataDir, "videos", name, "final.mp4"), "secret");
    }
    expect([400, 403, 404]).toContain(await rawStatus(studio, path));
  });

  test("given a path that can't be decoded, answers 400", async () => {
    const studio = await openStudio();
    expect(await rawStatus(studio, "/api/videos/%E0%A4%A/file")).toBe(400);
    expect(studio.notices).toEqual([]);
  });
});
