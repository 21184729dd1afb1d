import { readFileSync } from "node:fs";

/** Reads one file of vectors. Not by `import`: bundlers refuse the lone surrogates that some cases contain. */
export function loadVectors<Vectors>(name: string): Vectors {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8")) as Vectors;
}
