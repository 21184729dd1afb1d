import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import ts from "typescript";
import { expect, it } from "vitest";
import { entries } from "./packages.js";

// To accept a change of the public names: UPDATE_PUBLIC_NAMES=1 pnpm vitest run public-names
const FILE = new URL("./public-names.json", import.meta.url);

interface Names {
  values: string[];
  types: string[];
}

const program = ts.createProgram(
  entries.map(({ types }) => types),
  {
    module: ts.ModuleKind.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    skipLibCheck: true,
    noEmit: true,
  },
);

function namesOf(path: string): Names {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(path);
  const module = source && checker.getSymbolAtLocation(source);
  const names: Names = { values: [], types: [] };
  for (const symbol of module ? checker.getExportsOfModule(module) : []) {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const kind = target.flags & ts.SymbolFlags.Value ? "values" : "types";
    names[kind].push(symbol.name);
  }
  return { values: names.values.sort(), types: names.types.sort() };
}

const actual = Object.fromEntries(entries.map((entry) => [entry.specifier, namesOf(entry.types)]));

it("given the built packages, finds the public names of public-names.json", () => {
  if (process.env.UPDATE_PUBLIC_NAMES) {
    writeFileSync(FILE, `${JSON.stringify(actual, null, 2)}\n`);
  }
  expect(actual).toEqual(JSON.parse(readFileSync(FILE, "utf8")));
});

it.for(entries)(
  "given $specifier, finds the same values in ESM, in CommonJS and in its types",
  async (entry) => {
    const esm = Object.keys(await import(entry.esm)).sort();
    const cjs = Object.keys(createRequire(import.meta.url)(entry.cjs)).sort();
    expect(esm).toEqual(actual[entry.specifier]?.values);
    expect(cjs).toEqual(esm);
  },
);
