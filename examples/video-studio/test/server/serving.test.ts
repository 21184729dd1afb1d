import { mkdir, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/pipeline/request.js";
import { OPTIONS_PATH, PLAIN_PATH, SCRIPT_PATH } from "../../src/shared/addresses.js";
import { type OpenStudio, openStudio, temporaryDirectory } from "./support.js";

/** The built page, as small as it can be. */
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

/** The status of a path as it stands: `fetch` would resolve its dots. */
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
  test("given a built page, serves it, and lets caches keep what is named by its content", async () => {
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

  test("given any answer, it carries the headers that keep the page what it is", async () => {
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

  test("given the script's address, serves the client's own script-tag build", async () => {
    const studio = await openStudio({ pageDir: await builtPage() });
    const script = await at(studio, SCRIPT_PATH);
    expect(script.status).toBe(200);
    expect(script.headers.get("content-type")).toContain("text/javascript");
    expect(await script.text()).toMatch(/\bEmLinhProgress\b/u);
  });

  test("given a page that isn't built, says that there is nothing", async () => {
    const studio = await openStudio({ pageDir: join(await temporaryDirectory(), "none") });
    for (const path of ["/", PLAIN_PATH]) {
      const response = await at(studio, path);
      expect(response.status, path).toBe(404);
      expect(await response.text(), path).not.toContain(studio.dataDir);
    }
  });
});

test("given the options' address, tells all that can be asked for", async () => {
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

describe("what is not there", () => {
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
  ])("given %s, leaves the directory to nobody", async (path) => {
    const studio = await openStudio({ pageDir: await builtPage() });
    // What each of the paths would come upon, if it led out.
    for (const name of ["..", ".hidden", "../secret"]) {
      await mkdir(join(studio.dataDir, "videos", name), { recursive: true });
      await writeFile(join(studio.dataDir, "videos", name, "final.mp4"), "secret");
    }
    expect([400, 403, 404]).toContain(await rawStatus(studio, path));
  });

  test("given a path that can't be decoded, refuses it as malformed", async () => {
    const studio = await openStudio();
    expect(await rawStatus(studio, "/api/videos/%E0%A4%A/file")).toBe(400);
    expect(studio.notices).toEqual([]);
  });
});
