import { basename } from "node:path";
import ts from "typescript";
import { lineOf, nodesOf, parse, type SourceFile } from "./sources.js";

interface BannedWord {
  /** The word to say instead. */
  readonly say: string;
  /** Part of an identifier or a file name, in any case: `parcel` is in `makeParcel` and in `parcels.ts`. */
  readonly part?: RegExp;
  /** A whole identifier. */
  readonly identifier?: RegExp;
  /** A whole name that a module exports: other uses of the word are fine. */
  readonly exported?: RegExp;
  /** Part of a file name. */
  readonly file?: RegExp;
}

/** The "not" column of the words table in the style guide, for the words that this repository has used. */
const BANNED_WORDS: readonly BannedWord[] = [
  { part: /^parcels?$/, say: "pending writes, or encoded change" },
  { part: /^ledgers?$/, say: "replica" },
  { part: /^absorbs?$/, say: "applyDelta" },
  { part: /^seats?$/, say: "topic handle" },
  { part: /^fates?$/, say: "transition" },
  { part: /^neighbou?rs?$/, say: "what the others do: name it" },
  { identifier: /^Member$/, say: "topic listener" },
  { identifier: /^Purpose$/, say: "what it distinguishes" },
  { identifier: /^Waits$/, say: "delays" },
  { identifier: /^Stamp$/, say: "what it counts" },
  { identifier: /^News$/, say: "what it tells: an update, a change" },
  { exported: /^follow$/, say: "applyDelta" },
  { exported: /^type$/, say: "typed" },
  { file: /^endings?$/, say: "lifecycle" },
  { file: /^lane$/, say: "write queue" },
  { file: /^hints?$/, say: "version tracker, or notify batcher" },
];

/** One message per identifier and file name that has a banned word. */
export function bannedWords({ path, text }: SourceFile): string[] {
  const source = parse(path, text);
  const found = new Set<string>();
  const report = (where: string, name: string, word: BannedWord | undefined): void => {
    if (word !== undefined) found.add(`${where} ${name}: say ${word.say}`);
  };
  const fileParts = partsOf(basename(path));
  report(
    path,
    basename(path),
    BANNED_WORDS.find(({ file, part }) =>
      fileParts.some((one) => test(file, one) || test(part, one)),
    ),
  );
  for (const node of nodesOf(source)) {
    if (!ts.isIdentifier(node)) continue;
    const name = node.text;
    report(
      `${path}:${lineOf(source, node)}`,
      name,
      BANNED_WORDS.find(
        ({ part, identifier, exported }) =>
          test(identifier, name) ||
          (test(exported, name) && isExportedName(node)) ||
          partsOf(name).some((one) => test(part, one)),
      ),
    );
  }
  return [...found];
}

/** A sentence that begins so is a riddle until its end: it names its subject last. */
const RIDDLE = /(?:^|[.:] )(?:What|Whoever)\b/;

/** One message per line of a comment in which a sentence begins with "What" or "Whoever". */
export function riddles({ path, text }: SourceFile): string[] {
  return text.split("\n").flatMap((line, index) => {
    const comment = /^\s*(?:\/\*\*?|\*|\/\/)\s*(.*)$/.exec(line)?.[1] ?? "";
    return RIDDLE.test(comment) ? [`${path}:${index + 1} ${comment}`] : [];
  });
}

function test(pattern: RegExp | undefined, text: string): boolean {
  return pattern?.test(text) ?? false;
}

/** The words of a name in camelCase, kebab-case or snake_case, in lower case. */
function partsOf(name: string): readonly string[] {
  return name
    .split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/)
    .filter((part) => part !== "")
    .map((part) => part.toLowerCase());
}

function isExportedName(name: ts.Identifier): boolean {
  const { parent } = name;
  if (ts.isExportSpecifier(parent)) return parent.name === name;
  if (ts.isFunctionDeclaration(parent) && parent.name === name) return isExported(parent);
  return (
    ts.isVariableDeclaration(parent) &&
    parent.name === name &&
    ts.isVariableStatement(parent.parent.parent) &&
    isExported(parent.parent.parent)
  );
}

function isExported(node: ts.FunctionDeclaration | ts.VariableStatement): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}
