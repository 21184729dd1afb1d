import ts from "typescript";
import { lineOf, nodesOf, parse, type SourceFile } from "./sources.js";

/** Where a store may be written to directly: in the library, and in what tests and measures it. */
export const MAY_WRITE_TO_STORES: RegExp = /^(packages\/server\/(src|test)|conformance|bench)\//;

const INSTEAD = "use progress.update, progress.end or a reporter";

/**
 * One message per call of a store's `write`. Apps use the checked methods of `Progress` and `Reporter`. A store that
 * wraps another one is not a caller: a `write` may call the `write` of the wrapped store.
 */
export function storeWrites({ path, text }: SourceFile): string[] {
  const source = parse(path, text);
  return [...nodesOf(source)]
    .filter((node) => isStoreWrite(node) && !isInsideWrite(node))
    .map((node) => `${path}:${lineOf(source, node)} calls a store's write; ${INSTEAD}`);
}

function isStoreWrite(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  const { expression: target, name } = node.expression;
  return name.text === "write" && /store$/i.test(target.getText());
}

function isInsideWrite(node: ts.Node): boolean {
  for (let outer = node.parent; outer !== undefined; outer = outer.parent) {
    if (
      (ts.isMethodDeclaration(outer) || ts.isPropertyAssignment(outer)) &&
      outer.name.getText() === "write"
    )
      return true;
  }
  return false;
}
