import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { root } from "./command.js";

/** A file of the repository. */
export interface SourceFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Folders that tools fill. The first ones have this name anywhere, the last ones are relative to the root. */
const GENERATED_FOLDERS =
  /(^|\/)(node_modules|dist|coverage|\.git|\.tools|\.next)$|^docs\/api$|^packages\/[^/]+\/docs$/;

/** The files of the repository whose path matches, without generated ones. */
export function filesMatching(pattern: RegExp): readonly SourceFile[] {
  return [...pathsBelow("")]
    .filter((path) => pattern.test(path))
    .map((path) => ({ path, text: readFileSync(root + path, "utf8") }));
}

function* pathsBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(root + folder, { withFileTypes: true })) {
    const path = folder + entry.name;
    if (entry.isFile()) yield path;
    else if (entry.isDirectory() && !GENERATED_FOLDERS.test(path)) yield* pathsBelow(`${path}/`);
  }
}

/** The TypeScript sources of the packages. */
export const PACKAGE_SOURCES: RegExp = /^packages\/[^/]+\/src\/.*\.tsx?$/;

/** Parses a TypeScript or JavaScript text. */
export function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

/** Every node of a syntax tree, outer ones first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

/** The line where a node begins, from 1. */
export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** The line where a node ends, from 1. */
export function lastLineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
}
