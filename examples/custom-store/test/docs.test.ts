import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const FILES = [
  "src/stored-job.ts",
  "src/watches.ts",
  "src/list-page.ts",
  "src/learned-file.ts",
  "src/job-file.ts",
  "src/json-file.ts",
  "src/json-file-store.ts",
  "test/json-file-store.test.ts",
];

async function textOf(path: string): Promise<string> {
  return readFile(new URL(path, import.meta.url), "utf8");
}

test("given docs/writing-a-store.md, every code block in it is part of this example", async () => {
  const page = await textOf("../../../docs/writing-a-store.md");
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block ?? "");
  const code = (await Promise.all(FILES.map((file) => textOf(`../${file}`)))).join("\n");
  expect(blocks.length).toBeGreaterThan(2);
  expect(blocks.filter((block) => !code.includes(block))).toEqual([]);
});
