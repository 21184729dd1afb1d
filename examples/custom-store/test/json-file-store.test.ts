import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isProgressError } from "@emlinh/progress-server";
import { storeSuite } from "@emlinh/progress-server/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jsonFileStore } from "../src/json-file-store.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "json-file-store-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("jsonFileStore", () => {
  storeSuite(
    test,
    ({ space, ...options }) => jsonFileStore({ ...options, path: join(folder, `${space}.json`) }),
    { shared: false, durable: true, tombstones: false, clock: "injected" },
  );

  test("given a folder that does not exist, throws store-unavailable and stores nothing", async () => {
    const path = join(folder, "later", "jobs.json");
    const store = jsonFileStore({ path });
    const draft = { id: "a", set: { kind: "video", status: "queued" } };
    const refused = await store.create(draft).catch((error: unknown) => error);
    expect(isProgressError(refused, "store-unavailable")).toBe(true);
    expect(await store.read("a")).toBeUndefined();
  });

  test("given a file that is not JSON, throws store-unavailable and does not change the file", async () => {
    const path = join(folder, "broken.json");
    await writeFile(path, "not json");
    const store = jsonFileStore({ path });
    const refused = await store.read("a").catch((error: unknown) => error);
    expect(isProgressError(refused, "store-unavailable")).toBe(true);
    await expect(store.create({ id: "a", set: {} })).rejects.toThrow(path);
    expect(await readFile(path, "utf8")).toBe("not json");
  });
});
