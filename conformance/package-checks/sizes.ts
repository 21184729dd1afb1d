import ts from "typescript";
import { lastLineOf, lineOf, nodesOf, parse, type SourceFile } from "./sources.js";

/** Lines of a file (style guide, section 3). */
const MAX_FILE_LINES = 400;
/** Lines of a function, with those of the functions inside it. */
const MAX_FUNCTION_LINES = 60;
/** Characters of a line. */
const MAX_COLUMNS = 120;

/** One message per file with too many lines. */
export function longFiles(files: readonly SourceFile[]): string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > MAX_FILE_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines; at most ${MAX_FILE_LINES}`);
}

/**
 * One message per function with too many lines. Lines that continue a template literal do not count: SQL and Lua are
 * text of their own, and a statement is not easier to read in two halves.
 */
export function longFunctions({ path, text }: SourceFile): string[] {
  const source = parse(path, text);
  const templateLines = linesInsideTemplates(source);
  const found: string[] = [];
  for (const node of nodesOf(source)) {
    if (!isFunction(node)) continue;
    const first = lineOf(source, node);
    const last = lastLineOf(source, node);
    const inTemplates = [...templateLines].filter((line) => line > first && line <= last).length;
    const lines = last - first + 1 - inTemplates;
    if (lines > MAX_FUNCTION_LINES)
      found.push(
        `${path}:${first} ${nameOf(node)} has ${lines} lines; at most ${MAX_FUNCTION_LINES}`,
      );
  }
  return found;
}

/** One message per line with too many characters. */
export function longLines({ path, text }: SourceFile): string[] {
  return text.split("\n").flatMap((line, index) => {
    const columns = [...line].length;
    return columns > MAX_COLUMNS
      ? [`${path}:${index + 1} has ${columns} columns; at most ${MAX_COLUMNS}`]
      : [];
  });
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)
    ? parent.name.getText()
    : "a function";
}

function linesInsideTemplates(source: ts.SourceFile): ReadonlySet<number> {
  const lines = new Set<number>();
  for (const node of nodesOf(source)) {
    if (!ts.isTemplateLiteral(node)) continue;
    for (let line = lineOf(source, node) + 1; line <= lastLineOf(source, node); line += 1)
      lines.add(line);
  }
  return lines;
}
