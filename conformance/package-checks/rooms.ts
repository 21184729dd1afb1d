import { posix } from "node:path";
import ts from "typescript";
import { lineOf, nodesOf, parse } from "./sources.js";

/** One `import`, `export … from`, `import("…")` or `import("…").Type` of a file. */
export interface Import {
  readonly from: string;
  /** From 1. */
  readonly line: number;
  /** A file relative to `packages`, or the name of a package. */
  readonly specifier: string;
  /** Whether the compiler removes it. */
  readonly typeOnly: boolean;
}

interface Room {
  readonly name: string;
  /** The files of the room, relative to `packages`. */
  readonly files: RegExp;
  /** Files below `packages`, and names of packages, that the room may import. */
  readonly values: readonly RegExp[];
  /** Those that the room may import as types only. */
  readonly types: readonly RegExp[];
}

const PROTOCOL = /^@emlinh\/progress-protocol$/;
const SHARED = /^server\/src\/shared\//;
const STORE_CONTRACT = /^server\/src\/core\/store\.ts$/;
/** The contracts between the rooms of the core. `progress.ts` connects the rooms, so they may not import it. */
const CORE_CONTRACTS = /^server\/src\/core\/(?!progress\.)[^/]+\.ts$/;
const CLIENT_ENTRY = /^client\/src\/index\.ts$/;
/** A package of others, not a file of ours. */
const ANY_PACKAGE = /^(?!@emlinh\/|(protocol|server|client)\/src\/)[^/.]/;

const STORES = ["memory", "sqlite", "redis", "postgres"] as const;
const BINDINGS = ["react", "vue", "svelte", "solid"] as const;

function coreRoom(name: string, ...others: readonly RegExp[]): Room {
  return {
    name: `server core/${name}`,
    files: new RegExp(`^server/src/core/${name}/`),
    values: [PROTOCOL, SHARED, CORE_CONTRACTS, ...others],
    types: [],
  };
}

function storeRoom(name: string): Room {
  return {
    name: `stores/${name}`,
    files: new RegExp(`^server/src/stores/${name}/`),
    values: [PROTOCOL, SHARED, /^server\/src\/stores\/shared\//],
    // The database client is passed in, so its package is needed for its types only.
    types: [STORE_CONTRACT, ANY_PACKAGE],
  };
}

function bindingRoom(framework: string): Room {
  return {
    name: `client ${framework}`,
    files: new RegExp(`^client/src/${framework}/`),
    values: [CLIENT_ENTRY, new RegExp(`^${framework}(/|$)`)],
    types: [],
  };
}

/**
 * The table "room | may import" of the style guide. A file may always import files of its own room. A file in no room
 * may import nothing, and no file may import it.
 */
const ROOMS: readonly Room[] = [
  { name: "protocol", files: /^protocol\/src\//, values: [], types: [] },
  { name: "server shared", files: SHARED, values: [PROTOCOL], types: [] },
  {
    name: "server core",
    files: /^server\/src\/core\/[^/]+\.ts$/,
    values: [PROTOCOL, SHARED, /^server\/src\/core\//],
    types: [],
  },
  coreRoom("reporter"),
  coreRoom("hub"),
  coreRoom("updates"),
  coreRoom("http", /^server\/src\/core\/hub\//),
  {
    name: "stores/shared",
    files: /^server\/src\/stores\/shared\//,
    values: [PROTOCOL, SHARED],
    types: [STORE_CONTRACT],
  },
  ...STORES.map(storeRoom),
  {
    name: "adapters",
    files: /^server\/src\/adapters\//,
    values: [PROTOCOL, SHARED, /^server\/src\/core\/http\//],
    types: [ANY_PACKAGE],
  },
  {
    name: "otel",
    files: /^server\/src\/otel\.ts$/,
    values: [],
    // The figures, and the meter of OpenTelemetry, which is passed in.
    types: [/^server\/src\/core\/metrics\.ts$/, ANY_PACKAGE],
  },
  {
    name: "testing",
    files: /^server\/src\/testing\//,
    values: [PROTOCOL, SHARED],
    types: [STORE_CONTRACT],
  },
  {
    name: "server entry",
    files: /^server\/src\/index\.ts$/,
    values: [
      PROTOCOL,
      SHARED,
      /^server\/src\/core\//,
      /^server\/src\/stores\/([^/]+\/index\.ts$|shared\/)/,
    ],
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
    name: "client tabs",
    files: /^client\/src\/tabs\//,
    // The pure parts of the client that a shared connection needs as well: checks of options, the clock, the page.
    values: [
      PROTOCOL,
      /^client\/src\/core\/(option-checks|connection\/(server-clock|device-effects))\.ts$/,
      /^client\/src\/transports\/invalid-option\.ts$/,
    ],
    types: [/^client\/src\/(core|transports)\//],
  },
  {
    name: "client entry",
    files: CLIENT_ENTRY,
    values: [PROTOCOL, /^client\/src\/(core|machine|transports)\//],
    types: [],
  },
  ...BINDINGS.map(bindingRoom),
];

/**
 * Every import of a source text, in order.
 *
 * @param from - The file, relative to `packages`.
 */
export function importsOf(from: string, text: string): Import[] {
  const found: Import[] = [];
  const source = parse(from, text);
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const line = lineOf(source, specifier);
    found.push({ from, line, specifier: resolve(from, specifier.text), typeOnly });
  };
  for (const node of nodesOf(source)) {
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
  }
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

/** One message per import that its room may not make. */
export function wrongImports(imports: readonly Import[]): string[] {
  return imports.filter((one) => !isAllowed(one)).map(describe);
}

/** The room of a file, or `undefined` if it is in none. */
export function roomOf(file: string): Room | undefined {
  return ROOMS.find(({ files }) => files.test(file));
}

function isAllowed({ from, specifier, typeOnly }: Import): boolean {
  const room = roomOf(from);
  if (room === undefined) return false;
  const allowed = typeOnly ? [...room.values, ...room.types] : room.values;
  return [room.files, ...allowed].some((pattern) => pattern.test(specifier));
}

function describe({ from, line, specifier, typeOnly }: Import): string {
  const room = roomOf(from)?.name ?? "no room";
  const what = typeOnly ? `the types of ${specifier}` : specifier;
  return `packages/${from}:${line} (${room}) may not import ${what}`;
}

/** Each cycle once, as `a.ts -> b.ts -> a.ts`. Type imports count too: a reader has to follow them as well. */
export function cyclesIn(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, specifier } of imports) {
    targets.set(from, [...(targets.get(from) ?? []), specifier]);
  }
  const cycles: string[] = [];
  const visited = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || visited.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    visited.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return cycles;
}

/** The number of files with one prefix from which they belong in a folder of that name. */
const MAX_SHARING_PREFIX = 3;

/**
 * One message per prefix that more than three files of a folder share: `redis-a.ts`, `redis-b.ts`, `redis-c.ts` and
 * `redis.ts` belong in a folder `redis`.
 */
export function crowdedPrefixes(files: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const [word = ""] = posix.basename(file).split(/[-.]/);
    const prefix = posix.join(posix.dirname(file), word);
    groups.set(prefix, [...(groups.get(prefix) ?? []), posix.basename(file)]);
  }
  return [...groups]
    .filter(([, names]) => names.length > MAX_SHARING_PREFIX)
    .map(([prefix, names]) => `packages/${prefix}/ should be a folder for ${names.join(", ")}`);
}
