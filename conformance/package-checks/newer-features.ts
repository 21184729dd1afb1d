import ts from "typescript";
import { lineOf, nodesOf, parse, type SourceFile } from "./sources.js";

/** Functions that a browser of 2020 does not have, by the name of the member. */
const MEMBERS = new Set(
  `at hasOwn replaceAll any throwIfAborted findLast findLastIndex toSorted toReversed toSpliced groupBy withResolvers
  isWellFormed toWellFormed canParse randomUUID fromAsync`.split(/\s+/),
);

/** Globals that are missing in a browser of 2020, on plain HTTP or in React Native. */
const GLOBALS = new Set(
  `structuredClone reportError WeakRef FinalizationRegistry AggregateError BigInt DOMException URLSearchParams
  requestIdleCallback`.split(/\s+/),
);

/** Globals that some platforms lack: a file that uses one must also ask for its `typeof`. */
const OPTIONAL_GLOBALS = new Set(
  "TextDecoder TextEncoder ReadableStream BroadcastChannel crypto document location".split(" "),
);

const NEWER_OPERATORS = new Set([
  ts.SyntaxKind.QuestionQuestionEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
]);

/** Lookbehind, and the flags `d` and `v`. */
const NEWER_PATTERN = /\(\?<[=!]|\/[a-z]*[dv][a-z]*$/;

/** One message per place of a JavaScript file that not every browser of 2020, and not React Native, can execute. */
export function newerFeatures({ path, text }: SourceFile): string[] {
  const source = parse(path, text);
  const nodes = [...nodesOf(source)];
  const asked = new Set(
    nodes.filter(ts.isTypeOfExpression).map(({ expression }) => expression.getText(source)),
  );
  return nodes.flatMap((node) => {
    const feature = newSyntax(node) ?? newMember(node) ?? newGlobal(node, asked);
    return feature ? [`${path}:${lineOf(source, node)} uses ${feature}`] : [];
  });
}

function newSyntax(node: ts.Node): string | undefined {
  if (ts.isBinaryExpression(node) && NEWER_OPERATORS.has(node.operatorToken.kind))
    return `the operator ${node.operatorToken.getText()}`;
  if (ts.isPropertyDeclaration(node)) return "a class field";
  if (ts.isPrivateIdentifier(node)) return "a private name";
  if (ts.isClassStaticBlockDeclaration(node)) return "a static block";
  if (ts.isRegularExpressionLiteral(node) && NEWER_PATTERN.test(node.text))
    return `the pattern ${node.text}`;
  if (ts.isNumericLiteral(node) && node.getText().includes("_")) return "a numeric separator";
  return undefined;
}

function newMember(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const { expression, arguments: given } = node;
  const isMember = ts.isPropertyAccessExpression(expression);
  const name = isMember ? expression.name : expression;
  if (isMember && MEMBERS.has(name.getText())) return `.${name.getText()}`;
  if (name.getText() !== "addEventListener") return undefined;
  return hasNoSignal(given[2]) ? undefined : "addEventListener with options that may have a signal";
}

/** Whether options are a boolean, or an object literal (or the name of one) without `signal`. */
function hasNoSignal(options: ts.Node | undefined): boolean {
  if (options === undefined || /^(true|false|!0|!1)$/.test(options.getText())) return true;
  if (ts.isIdentifier(options)) {
    const named = literalNamed(options);
    return named !== undefined && hasNoSignal(named);
  }
  const names = ts.isObjectLiteralExpression(options) ? options.properties : undefined;
  return names?.every((member) => member.name && member.name.getText() !== "signal") ?? false;
}

/** The object literal that a constant holds: that of the innermost function or file which has the constant. */
function literalNamed(name: ts.Identifier): ts.Node | undefined {
  for (let scope: ts.Node = name.parent; scope; scope = scope.parent) {
    if (!ts.isFunctionLike(scope) && !ts.isSourceFile(scope)) continue;
    for (const node of nodesOf(scope))
      if (ts.isVariableDeclaration(node) && node.name.getText() === name.text)
        return node.initializer && ts.isObjectLiteralExpression(node.initializer)
          ? node.initializer
          : undefined;
  }
  return undefined;
}

function newGlobal(node: ts.Node, asked: ReadonlySet<string>): string | undefined {
  if (!ts.isIdentifier(node) || !isValue(node)) return undefined;
  const { text } = node;
  if (GLOBALS.has(text)) return text;
  return OPTIONAL_GLOBALS.has(text) && !asked.has(text) ? `${text} without typeof` : undefined;
}

/** Whether an identifier is not the name of a member. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
  return !isMember && !(ts.isPropertyAssignment(parent) && parent.name === node);
}
