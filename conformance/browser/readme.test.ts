import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../package-checks/command.js";
import { launchChromium } from "./chromium.js";

const readme = readFileSync(join(root, "README.md"), "utf8");

/** The code block that begins by naming its file. */
function blockOf(file: string): string {
  const block = [...readme.matchAll(/^```\w+\n(.*?)^```$/gms)].find(([, text]) =>
    text?.split("\n")[0]?.includes(file),
  );
  if (block?.[1] === undefined) throw new Error(`README.md has no code block for ${file}.`);
  return block[1];
}

let browser: Browser;
let folder = "";
let server: ChildProcess;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "progress-readme-"));
  mkdirSync(join(folder, "public"));
  mkdirSync(join(folder, "node_modules", "@emlinh"), { recursive: true });
  const link = (from: string, to: string) =>
    symlinkSync(join(root, from), join(folder, "node_modules", to));
  link("packages/server", "@emlinh/progress-server");
  link("packages/client", "@emlinh/progress-client");
  link("packages/server/node_modules/express", "express");
  port = await freePort();
  // The one change to what a reader pastes: two of these tests may run on one machine.
  const code = blockOf("server.mjs").replace("app.listen(3000)", `app.listen(${port})`);
  writeFileSync(join(folder, "server.mjs"), code);
  writeFileSync(join(folder, "public", "index.html"), blockOf("public/index.html"));
  server = spawn("node", ["server.mjs"], { cwd: folder, stdio: "inherit" });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  server?.kill();
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

test("both quick starts are twenty lines of code at most", () => {
  const lines = (text: string) =>
    text.split("\n").filter((line) => /[^\s{}()[\];,]/.test(line) && !/^(\/\/|<!--)/.test(line));
  expect(lines(blockOf("server.mjs")).length).toBeLessThanOrEqual(20);
  expect(lines(blockOf("public/index.html")).length).toBeLessThanOrEqual(20);
});

test("pasted into an empty project, the quick starts make a video and show it, through a reload", async () => {
  const page = await browser.newPage();
  const opened = () =>
    page.goto(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
  await expect.poll(opened, { timeout: 20_000 }).toBe(true);
  await page.getByRole("button").click();
  const percent = () => page.locator("progress").evaluate((bar: HTMLProgressElement) => bar.value);
  await expect.poll(percent, { timeout: 10_000 }).toBeGreaterThan(20);
  await page.reload();
  await expect.poll(percent, { timeout: 10_000 }).toBeGreaterThan(20);
  await expect
    .poll(() => page.locator("output").textContent(), { timeout: 20_000 })
    .toMatch(/^\/videos\/[\w-]+\.mp4$/);
  expect(await percent()).toBe(100);
  await page.close();
});
