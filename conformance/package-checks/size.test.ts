import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { root } from "./command.js";
import { folderOf, manifestOf } from "./packages.js";

/**
 * The bytes that a page loads, minified and gzipped: the client, the protocol that it inlines and the parser. Clarity
 * comes before bytes: meet a bound by leaving a feature to an optional entry, not by code that is hard to read. Raise a
 * bound only with a reason in the commit. The last one: the core also has the feed of many jobs and `watchJobs`, and
 * `watchJob` the ETA that has learned.
 */
const BUDGETS = [
  { name: "watchJob, with its parser", imports: "{ watchJob }", maxBytes: 13_800 },
  { name: "the whole core, with its parser", imports: "*", maxBytes: 22_300 },
  // With the decoder and the copies of jobs, which the core has as well: beside it, the entry adds 4,500 bytes.
  { name: "the entry /tabs alone", imports: "*", file: "tabs/index.js", maxBytes: 7_600 },
];
const MAX_SCRIPT_BYTES = 22_500;

function gzipBytes(code: Uint8Array): number {
  return gzipSync(code, { level: 9 }).byteLength;
}

async function bundledBytes(imports: string, file: string): Promise<number> {
  const { outputFiles, warnings } = await build({
    stdin: {
      contents: `export ${imports} from ${JSON.stringify(`${folderOf("client")}dist/${file}`)};`,
      resolveDir: root,
    },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "silent",
  });
  // A name that is not exported would give a small bundle and pass.
  expect(warnings.map(({ text }) => text)).toEqual([]);
  return gzipBytes(outputFiles[0]?.contents ?? new Uint8Array());
}

describe("the client's gzip budget", () => {
  it.for(BUDGETS)("$name", async ({ imports, file = "index.js", maxBytes }) => {
    expect(await bundledBytes(imports, file)).toBeLessThanOrEqual(maxBytes);
  });

  it("the script-tag build", () => {
    const script = readFileSync(folderOf("client") + manifestOf("client").unpkg);
    expect(gzipBytes(script)).toBeLessThanOrEqual(MAX_SCRIPT_BYTES);
  });
});
