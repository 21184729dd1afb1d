import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { isProgressError } from "@emlinh/progress-protocol";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProgressStore } from "../../src/core/store.js";
import type { memoryStore } from "../../src/stores/memory/index.js";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

type MakeStore = typeof memoryStore;

let folder = "";
const copies = new Map<string, MakeStore>();

async function bundle(format: "esm" | "cjs", name: string): Promise<string> {
  const outfile = join(folder, name);
  await build({
    entryPoints: [at("../../src/stores/memory/index.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format,
    alias: { "@emlinh/progress-protocol": at("../../../protocol/src/index.ts") },
    logLevel: "error",
  });
  return outfile;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "progress-copies-"));
  const esm = pathToFileURL(await bundle("esm", "memory.mjs")).href;
  const cjs = await bundle("cjs", "memory.cjs");
  copies.set("ES module", (await import(esm)).memoryStore);
  copies.set("reloaded ES module", (await import(`${esm}?reloaded`)).memoryStore);
  copies.set("CommonJS module", createRequire(import.meta.url)(cjs).memoryStore);
});
afterAll(() => rm(folder, { recursive: true }));

const DRAFT = { id: "video-7", set: { kind: "video", status: "queued", attempt: 1 } };
const CHANGE = { set: { message: "one" }, log: [] };

function storeOf(copy: string): ProgressStore {
  const make = copies.get(copy);
  if (make === undefined) throw new Error(`There is no copy "${copy}".`);
  return make();
}

function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (result) => result,
    (error: unknown) => error,
  );
}

describe("two memory stores in one process", () => {
  test.each([
    ["ES module", "ES module"],
    ["ES module", "reloaded ES module"],
    ["CommonJS module", "ES module"],
    ["reloaded ES module", "CommonJS module"],
  ])(
    "given a job in a store of the %s, a store of the %s names the cause and the remedy",
    async (one, two) => {
      const [own, other] = [storeOf(one), storeOf(two)];
      await own.create(DRAFT);
      for (const call of [other.read(DRAFT.id), other.write(DRAFT.id, CHANGE)]) {
        const error = await errorOf(call);
        if (!isProgressError(error, "job-not-found")) throw error;
        expect(error.details).toEqual({ jobId: DRAFT.id, otherStore: true });
        expect(error.message).toMatch(/another memory store of this process.*globalThis/);
      }
      expect((await own.read(DRAFT.id))?.set.status).toBe("queued");
      await own.close();
      expect(await other.read(DRAFT.id)).toBeUndefined();
      await other.close();
    },
  );

  test("given a job that no store has, or that was removed, answers as for any unknown job", async () => {
    const [own, other] = [storeOf("ES module"), storeOf("CommonJS module")];
    await own.create(DRAFT);
    await own.remove(DRAFT.id);
    expect(await other.read(DRAFT.id)).toBeUndefined();
    expect(await other.read("unknown")).toBeUndefined();
    const error = await errorOf(other.write(DRAFT.id, CHANGE));
    expect(isProgressError(error, "job-not-found") && error.details).toEqual({ jobId: DRAFT.id });
    await Promise.all([own.close(), other.close()]);
  });

  test("given stores that nobody uses any more, keeps none of them in memory", async () => {
    const program = `
      import { memoryStore } from ${JSON.stringify(pathToFileURL(join(folder, "memory.mjs")).href)};
      const count = () => globalThis[Symbol.for("@emlinh/progress-server/memory-stores")].stores.size;
      for (let by = 0; by < 500; by += 1)
        await memoryStore().create({ id: "a", set: { metadata: "x".repeat(10_000) } });
      const before = count();
      for (let turn = 0; turn < 100 && count() > 0; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        gc();
      }
      console.log(JSON.stringify([before, count()]));
    `;
    const args = ["--expose-gc", "--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const [before, after] = JSON.parse(stdout);
    expect(before).toBeGreaterThan(0);
    expect(after).toBe(0);
  });
});
