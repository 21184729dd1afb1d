import { describe, expect, it } from "vitest";
import { filesMatching } from "./sources.js";
import { MAY_WRITE_TO_STORES, storeWrites } from "./store-writes.js";

it("given code outside the library, has no call of a store's write", () => {
  const files = filesMatching(/\.(tsx?|mjs|js)$/);
  const apps = files.filter(({ path }) => !MAY_WRITE_TO_STORES.test(path));
  expect(apps.flatMap(storeWrites)).toEqual([]);
});

describe("the rule against store.write", () => {
  const inApp = (text: string) => storeWrites({ path: "app.ts", text });

  it.for([
    "await store.write(id, change);",
    "await this.store.write(id, change);",
    "await sharedStore.write(id, change);",
    "const put = (change) => store.write(id, change);",
  ])("refuses %s", (text) => {
    expect(inApp(text)).toHaveLength(1);
  });

  it.for([
    "await progress.update(id, change);",
    "process.stdout.write(text);",
    "response.write(bytes);",
    "const wrapper = { ...store, async write(id, change) { return store.write(id, change); } };",
    "const wrapper = { ...store, write: (id, change) => store.write(id, change) };",
  ])("accepts %s", (text) => {
    expect(inApp(text)).toEqual([]);
  });

  it("names the file and the line", () => {
    expect(inApp("\nstore.write(id, change);")[0]).toMatch(
      /^app\.ts:2 calls a store's write; use /,
    );
  });
});
