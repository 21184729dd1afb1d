/** Loads entries of the packages, in both module systems, and prints the names that each of them has. */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
/** @param {object} entry */
const namesOf = (entry) => Object.keys(entry).sort();

/** @type {Record<string, Record<string, string[]>>} */
const loaded = { imported: {}, required: {} };
for (const specifier of process.argv.slice(2)) {
  loaded.imported[specifier] = namesOf(await import(specifier));
  loaded.required[specifier] = namesOf(require(specifier));
}
console.log(JSON.stringify(loaded));
