import { createReadStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "./chromium.js";
import { blockOf, type PastedProject, pastedProject } from "./pasted-project.js";

const ROOT = "README.md";
const SERVER = "packages/server/README.md";
const CLIENT = "packages/client/README.md";

describe("the quick starts of README.md", () => {
  let browser: Browser;
  let project: PastedProject;

  beforeAll(async () => {
    project = await pastedProject();
    for (const file of ["mandelbrot.mjs", "server.mjs", "public/index.html"])
      project.paste(ROOT, file);
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    await project?.close();
  });

  test("have at most twenty lines of code each", () => {
    const lines = (text: string) =>
      text.split("\n").filter((line) => /[^\s{}()[\];,]/.test(line) && !/^(\/\/|<!--)/.test(line));
    for (const file of ["mandelbrot.mjs", "server.mjs", "public/index.html"])
      expect(lines(blockOf(ROOT, file)).length).toBeLessThanOrEqual(20);
  });

  test("given an empty project, they show the picture, through a reload, and print the error of the work", async () => {
    const server = project.start("server.mjs");
    const address = `http://localhost:${project.port}`;
    await server.printed(new RegExp(`^Open ${address}\\n`));
    const page = await browser.newPage();
    const percent = () =>
      page.locator("progress").evaluate((bar: HTMLProgressElement) => bar.value);
    const text = () => page.locator("output").textContent();

    await page.goto(address);
    await page.getByRole("button").click();
    await expect.poll(text, { timeout: 10_000 }).toBe("Draw the rows");
    await expect.poll(percent, { timeout: 10_000 }).toBeGreaterThan(20);
    await page.reload();
    await expect.poll(percent, { timeout: 10_000 }).toBeGreaterThan(20);
    await expect.poll(text, { timeout: 60_000 }).toBe("completed");
    expect(await percent()).toBe(100);

    const image = page.locator("img");
    await expect.poll(() => image.getAttribute("src")).toMatch(/^\/[\w-]+\.svg$/);
    const width = () => image.evaluate((element: HTMLImageElement) => element.naturalWidth);
    await expect.poll(width, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(server.errors()).toBe("");

    // The work fails: the folder of the pictures is gone.
    await rename(join(project.folder, "public"), join(project.folder, "elsewhere"));
    await page.getByRole("button").click();
    await expect.poll(text, { timeout: 60_000 }).toMatch(/ended as failed: The job failed\.$/);
    expect(server.errors()).toContain("code: 'job-failed'");
    expect(server.errors()).toContain("ENOENT: no such file or directory, open 'public/");
    await page.close();
  });
});

describe("the quick starts of the packages", () => {
  let project: PastedProject;

  beforeAll(async () => {
    project = await pastedProject();
    project.paste(SERVER, "server.mjs");
    project.paste(CLIENT, "watch.mjs");
  });

  afterAll(() => project?.close());

  test("given an empty project, the server compresses a file and the client sees the end", async () => {
    const server = project.start("server.mjs");
    await server.printed(/^curl .*\/api\/progress\/\w+\n/);
    const [url = "", jobId = ""] = /http:\S+\/(\w+)/.exec(server.output()) ?? [];
    const client = project.start("watch.mjs", jobId);

    const headers = { accept: "text/event-stream" };
    expect(await (await fetch(url, { headers })).text()).toMatch(/^event: end$/m);
    await server.printed(/^Finished: \{ file: 'node\.gz' \}$/m);
    await client.printed(/^completed 100\nFinished: \{ file: 'node\.gz' \}\n/m);
    // The program ends by itself: nothing of the client keeps it alive.
    await expect.poll(() => client.process.exitCode, { timeout: 10_000 }).toBe(0);

    const { size } = await stat(process.execPath);
    expect(await unzippedBytes(join(project.folder, "node.gz"))).toBe(size);
  });
});

async function unzippedBytes(path: string): Promise<number> {
  let bytes = 0;
  for await (const chunk of createReadStream(path).pipe(createGunzip())) bytes += chunk.length;
  return bytes;
}
