#!/usr/bin/env node
// Runs the named benchmarks, or all, one after the other: `node bench/run.mjs writes cancel`. Options are passed on.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProgram } from "../scripts/lib/compile.mjs";
import { readOptions } from "./lib/options.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const known = readdirSync(here)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => basename(file, ".ts"));
const args = process.argv.slice(2);
const names = namesIn(args);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(
    `Unknown benchmark: ${unknown.join(", ")}. The benchmarks are ${known.join(", ")}.\n`,
  );
  process.exit(2);
}

/** @param {string[]} args */
function namesIn(args) {
  try {
    return readOptions(args).names;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(2);
  }
}

const folder = mkdtempSync(join(here, "node_modules", ".bench-"));
try {
  // The programs that benchmarks start in processes of their own.
  for (const file of readdirSync(join(here, "programs")))
    await compileProgram(
      root,
      join(here, "programs", file),
      join(folder, `${basename(file, ".ts")}.mjs`),
    );
  for (const name of names.length > 0 ? names : known) {
    const outfile = join(folder, `${name}.mjs`);
    await compileProgram(root, join(here, `${name}.ts`), outfile);
    const { status } = spawnSync(process.execPath, ["--expose-gc", outfile, ...args], {
      stdio: "inherit",
    });
    process.exitCode ||= status ?? 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
