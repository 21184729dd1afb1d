// How far the ETA is from the truth, for recorded videos and made-up jobs, by how many jobs came before.
import { readFileSync, writeFileSync } from "node:fs";
import { detailTables, documentTables, withTables } from "../conformance/eta/tables.js";
import { recordVideos } from "./lib/eta/record-videos.js";
import { printTable } from "./lib/figures.js";
import { readOptions } from "./lib/options.mjs";

/** From the folder in which `run.mjs` runs this program. */
const ROOT = new URL("../../../", import.meta.url);
const RECORDINGS = new URL("conformance/eta/recordings/", ROOT);
const DOCUMENT = new URL("docs/eta.md", ROOT);

const options = readOptions(process.argv.slice(2));
if (options.record) await recordVideos(RECORDINGS);

const tables = documentTables(RECORDINGS);
for (const { title, head, rows } of [...detailTables(RECORDINGS), ...tables])
  printTable(title, head, rows);
if (options.record || options.update) {
  const text = readFileSync(DOCUMENT, "utf8");
  writeFileSync(DOCUMENT, withTables(text, "## How good it is", tables));
  process.stdout.write("\ndocs/eta.md has these tables. Check the sentences around them.\n");
}
