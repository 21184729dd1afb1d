import { readFileSync } from "node:fs";
import { root } from "./command.js";

/** The packages that are published, by the name of their folder. */
export const published = ["server", "client"] as const;
export type Published = (typeof published)[number];

interface Manifest {
  name: string;
  version: string;
  exports: Record<string, unknown>;
  main: string;
  module: string;
  types: string;
  unpkg?: string;
  jsdelivr?: string;
}

export function folderOf(name: Published): string {
  return `${root}packages/${name}/`;
}

export function manifestOf(name: Published): Manifest {
  return JSON.parse(readFileSync(`${folderOf(name)}package.json`, "utf8")) as Manifest;
}

/** Every file that `exports` or one of the older fields names. */
export function filesNamedBy(manifest: Manifest): string[] {
  const leaves = (value: unknown): string[] =>
    typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(leaves);
  const { exports, main, module, types, unpkg, jsdelivr } = manifest;
  return [...new Set(leaves([exports, main, module, types, unpkg, jsdelivr].filter(Boolean)))];
}

export interface Entry {
  /** As an app imports it: `@emlinh/progress-server/testing`. */
  specifier: string;
  package: Published;
  /** An absolute path, like the next two. */
  esm: string;
  cjs: string;
  types: string;
}

/** The entries with types. The script-tag build and `package.json` have none. */
export const entries: readonly Entry[] = published.flatMap((name) => {
  const manifest = manifestOf(name);
  return Object.entries(manifest.exports).flatMap(([subpath, conditions]) => {
    if (typeof conditions === "string") return [];
    const split = conditions as Record<"import" | "require", { types: string; default: string }>;
    return {
      specifier: manifest.name + subpath.slice(1),
      package: name,
      esm: folderOf(name) + split.import.default,
      cjs: folderOf(name) + split.require.default,
      types: folderOf(name) + split.import.types,
    };
  });
});
