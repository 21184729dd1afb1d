import { posix } from "node:path";
import ts from "typescript";

/** One `import`, `export … from`, `import("…")` or `import("…").Type` of a file. */
export interface Import {
  from: string;
  specifier: string;
  /** Whether it is gone once compiled. */
  typeOnly: boolean;
}

interface Room {
  name: string;
  files: RegExp;
  /** Besides the room itself: files below `packages`, or packages by name. */
  values: readonly RegExp[];
  /** What it may import as a type, on top of `values`. */
  types: readonly RegExp[];
}

const PROTOCOL = /^@emlinh\/progress-protocol$/;
const ANY_PACKAGE = /^(?!@emlinh\/)[^/.]/;

/** The table "room | may import" of the style guide. A file in none of them may import nothing and be imported by none. */
export const ROOMS: readonly Room[] = [
  { name: "protocol", files: /^protocol\/src\//, values: [], types: [] },
  { name: "server core", files: /^server\/src\/core\//, values: [PROTOCOL], types: [] },
  {
    name: "stores",
    files: /^server\/src\/stores\//,
    // What ends a job is decided once, for every store: that is `endings`.
    values: [PROTOCOL, /^server\/src\/core\/(store|endings)\.ts$/],
    types: [ANY_PACKAGE],
  },
  {
    name: "adapters",
    files: /^server\/src\/adapters\//,
    // The protocol for its error class; `refusal` for the one answer that an adapter gives by itself: a path that isn't below its own.
    values: [PROTOCOL, /^server\/src\/core\/(handler|refusal)\.ts$/],
    types: [ANY_PACKAGE, /^server\/src\/core\//],
  },
  {
    name: "testing",
    files: /^server\/src\/testing\//,
    values: [PROTOCOL, /^server\/src\/core\/store\.ts$/],
    types: [],
  },
  {
    name: "server entry",
    files: /^server\/src\/index\.ts$/,
    values: [PROTOCOL, /^server\/src\/(core|stores)\//],
    types: [],
  },
  { name: "client machine", files: /^client\/src\/machine\//, values: [], types: [PROTOCOL] },
  {
    name: "client transports",
    files: /^client\/src\/transports\//,
    values: [PROTOCOL, /^eventsource-parser$/],
    types: [],
  },
  {
    name: "client core",
    files: /^client\/src\/core\//,
    values: [PROTOCOL, /^client\/src\/(machine|transports)\//],
    types: [],
  },
  {
    name: "client entry",
    files: /^client\/src\/index\.ts$/,
    values: [PROTOCOL, /^client\/src\/(core|machine|transports)\//],
    types: [],
  },
  {
    name: "react",
    files: /^client\/src\/react\//,
    values: [/^client\/src\/index\.ts$/, /^react(\/|$)/],
    types: [],
  },
];

/**
 * Every import of a source text, in order.
 *
 * @param from - The file, relative to `packages`.
 */
export function importsOf(from: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier && ts.isStringLiteralLike(specifier)) {
      found.push({ from, specifier: resolve(from, specifier.text), typeOnly });
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(node.moduleSpecifier, typeOnly);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node) && isLoad(node.expression)) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(from, text, ts.ScriptTarget.Latest, true));
  return found;
}

function isLoad(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(callee) && callee.text === "require")
  );
}

function resolve(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return posix.join(posix.dirname(from), specifier).replace(/\.js(x?)$/, ".ts$1");
}

/** One line per import that its room may not make. */
export function wrongImports(imports: readonly Import[]): string[] {
  return imports.filter((line) => !isAllowed(line)).map(describe);
}

function isAllowed({ from, specifier, typeOnly }: Import): boolean {
  const room = ROOMS.find(({ files }) => files.test(from));
  if (!room) return false;
  const allowed = typeOnly ? [...room.values, ...room.types] : room.values;
  return [room.files, ...allowed].some((pattern) => pattern.test(specifier));
}

function describe({ from, specifier, typeOnly }: Import): string {
  const room = ROOMS.find(({ files }) => files.test(from))?.name ?? "no room";
  return `${from} (${room}) may not import ${typeOnly ? "the types of " : ""}${specifier}`;
}

/** Each cycle once, as `a.ts -> b.ts -> a.ts`; types count too, because a reader has to follow them just the same. */
export function cyclesIn(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, specifier } of imports) {
    next.set(from, [...(next.get(from) ?? []), specifier]);
  }
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const target of next.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return cycles;
}
