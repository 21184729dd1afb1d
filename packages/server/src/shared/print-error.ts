import type { ProgressError } from "@emlinh/progress-protocol";

/** Kinds of errors that are remembered as printed. */
const MAX_KINDS = 1_000;

/**
 * The default of `onError`: writes one line to stderr per kind of error, so that no error of the work or the store goes
 * unnoticed, and a store that is away for an hour does not fill the log. Errors are of one kind if only the values in
 * their messages differ.
 */
export function createErrorPrinter(): (error: ProgressError) => void {
  const printed = new Set<string>();
  return (error) => {
    const line = lineOf(error);
    const kind = line.replace(/"[^"]*"|\d+/g, "*");
    if (printed.has(kind) || printed.size >= MAX_KINDS) return;
    printed.add(kind);
    // biome-ignore lint/suspicious/noConsole: the one place where this library prints; `onError` replaces it.
    console.error(line);
  };
}

function lineOf({ code, message, cause }: ProgressError): string {
  const line = `[@emlinh/progress] ${code}: ${oneLine(message)}`;
  return cause === undefined ? line : `${line} Cause: ${causeOf(cause)}`;
}

/** The cause and where it was thrown, on one line. The work may have thrown anything, also a proxy that throws. */
function causeOf(cause: unknown): string {
  try {
    if (!(cause instanceof Error)) return oneLine(String(cause));
    const [, at = ""] = /\n[^\S\n]*(at [^\n]+)/.exec(cause.stack ?? "") ?? [];
    return oneLine(`${cause.name}: ${cause.message} ${at}`);
  } catch {
    return "a value that can't be printed.";
  }
}

/** Without line breaks and control characters: the text may come from a user, and a terminal would obey them. */
function oneLine(text: string): string {
  return text
    .slice(0, 4_000)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, 1_000);
}
