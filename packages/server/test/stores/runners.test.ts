import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSuite } from "./run-suite.js";
import { sharedMemory } from "./shared-memory.js";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "progress-runners-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file for `node --test` that runs the suite over a right store, or over one that never wakes. */
const FILE = `
  import { test } from "node:test";
  import { storeSuite } from "./testing/index.js";
  import { memoryStore } from "./stores/memory/index.js";
  const capabilities = { shared: false, durable: false, tombstones: true, clock: "injected", maxWakeMs: 20 };
  const right = ({ space, ...options }) => memoryStore(options);
  const wrong = (options) => ({ ...right(options), watch: async () => async () => {} });
  storeSuite(test, process.env.STORE === "wrong" ? wrong : right, capabilities);
`;

/** The counts of `node --test`, whether or not tests failed. */
async function countedByNode(store: "right" | "wrong"): Promise<Record<string, number>> {
  const outfile = join(folder, "suite.test.mjs");
  await build({
    stdin: { contents: FILE, resolveDir: at("../../src") },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    alias: { "@emlinh/progress-protocol": at("../../../protocol/src/index.ts") },
    logLevel: "error",
  });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--test", "--test-reporter=tap", outfile],
    // Without the other variables: `node --test` reports to an outer runner if the environment names one.
    { env: { PATH: process.env.PATH, STORE: store }, maxBuffer: 2 ** 26 },
  ).catch((error: { stdout: string }) => error);
  const lines = [...stdout.matchAll(/^# (pass|fail|skipped) (\d+)$/gm)];
  return Object.fromEntries(lines.map(([, name, count]) => [name, Number(count)]));
}

test("given the test function of node:test, runs, skips and fails the same tests as other runners", async () => {
  const { makeStore, capabilities } = sharedMemory();
  const lacking = { ...capabilities, shared: false, durable: false, emptyBackend: undefined };
  const { passed, skipped } = await runSuite({ makeStore, capabilities: lacking });
  expect(await countedByNode("right")).toEqual({
    pass: passed.length,
    fail: 0,
    skipped: skipped.length,
  });
  const wrong = await countedByNode("wrong");
  expect(wrong.fail).toBeGreaterThan(5);
  expect(Number(wrong.pass) + Number(wrong.fail)).toBe(passed.length);
}, 60_000);
