import ts from "typescript";
import { lineOf, nodesOf, parse, type SourceFile } from "./sources.js";

interface Helper {
  readonly name: string;
  /** Whether a node is an implementation of the helper. */
  matches(node: ts.Node): boolean;
}

/** Helpers that were written several times before, each with the expression that only the helper itself may contain. */
export const HELPERS: readonly Helper[] = [
  {
    name: "bytes as hex digits: .toString(16)",
    matches: (node) =>
      ts.isCallExpression(node) && /\.toString$/.test(node.expression.getText()) && isRadix16(node),
  },
  {
    name: "a timer that does not keep the process alive: .unref()",
    matches: (node) => ts.isPropertyAccessExpression(node) && node.name.text === "unref",
  },
  {
    name: "random bytes: getRandomValues",
    matches: (node) => ts.isPropertyAccessExpression(node) && node.name.text === "getRandomValues",
  },
  {
    name: "the longest delay of a timer: 2 ** 31",
    matches: (node) => isMaxTimer(node) || (isPowerOfTwo(node) && node.right.getText() === "31"),
  },
  {
    name: "backoff: 2 ** failures",
    matches: (node) => isPowerOfTwo(node) && !ts.isNumericLiteral(node.right),
  },
];

/** Where the files implement a helper, as `file:line`. */
export function implementationsOf(helper: Helper, files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const source = parse(path, text);
    return [...nodesOf(source)]
      .filter((node) => helper.matches(node))
      .map((node) => `${path}:${lineOf(source, node)}`);
  });
}

function isRadix16(call: ts.CallExpression): boolean {
  return call.arguments.length === 1 && call.arguments[0]?.getText() === "16";
}

function isMaxTimer(node: ts.Node): boolean {
  return ts.isNumericLiteral(node) && Number(node.text) === 2 ** 31 - 1;
}

function isPowerOfTwo(node: ts.Node): node is ts.BinaryExpression {
  return (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken &&
    node.left.getText() === "2"
  );
}
