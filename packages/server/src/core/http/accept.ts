import { ProgressError } from "@emlinh/progress-protocol";

/** One media range of an `Accept` header, such as `text/*;q=0.5`. */
interface MediaRange {
  /** Lower case, without parameters. */
  readonly type: string;
  /** From 0 (refused) to 1. */
  readonly weight: number;
}

/** A type that can be sent, as the most specific range that matches it ranks it. */
interface Rank {
  readonly weight: number;
  /** 3 for the type itself, 2 for `text/*`, 1 for any type, 0 if no range matches. */
  readonly specificity: number;
}

/**
 * The representation that `Accept` asks for (P22): the type with the higher weight, then the one that is named more
 * exactly. Of two wildcards, JSON: a stream must be asked for.
 *
 * @throws ProgressError `not-acceptable`
 * @see RFC 9110, section 12.5.1
 */
export function wantedType(accept: string | undefined): "stream" | "json" {
  // Nearly all streams are asked for like this.
  if (accept === "text/event-stream") return "stream";
  const ranges = mediaRanges(accept ?? "");
  if (ranges.length === 0) return "json";
  const stream = rankOf("text/event-stream", ranges);
  const json = rankOf("application/json", ranges);
  if (stream.weight === 0 && json.weight === 0) throw notAcceptable();
  if (stream.weight !== json.weight) return stream.weight > json.weight ? "stream" : "json";
  if (stream.specificity !== json.specificity)
    return stream.specificity > json.specificity ? "stream" : "json";
  return stream.specificity === EXACT ? "stream" : "json";
}

const EXACT = 3;

function rankOf(type: string, ranges: readonly MediaRange[]): Rank {
  const [group] = type.split("/");
  const wildcards = ["*/*", `${group}/*`, type];
  let best: Rank = { weight: 0, specificity: 0 };
  for (const range of ranges) {
    const specificity = wildcards.indexOf(range.type) + 1;
    if (specificity === 0 || specificity < best.specificity) continue;
    // A range that is named twice has the weight that is better for the client.
    const isSame = specificity === best.specificity;
    best = { specificity, weight: isSame ? Math.max(best.weight, range.weight) : range.weight };
  }
  return best;
}

function mediaRanges(accept: string): readonly MediaRange[] {
  return partsOf(accept, ",").map((range) => {
    const [type = "", ...parameters] = partsOf(range, ";");
    return { type: type.toLowerCase(), weight: weightOf(parameters) };
  });
}

/** Splits a list at a separator that is not in a quoted string. */
function partsOf(text: string, separator: "," | ";"): readonly string[] {
  // Quoted strings are rare, and the expression takes ten times as long.
  const parts = text.includes('"')
    ? (text.match(UNQUOTED[separator]) ?? [])
    : text.split(separator);
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

const UNQUOTED = {
  ",": /(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g,
  ";": /(?:[^";]|"(?:[^"\\]|\\.)*"?)+/g,
};

/** A weight that is malformed counts as none, which is 1. */
function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [, weight] = /^q=(0(?:\.\d*)?|1(?:\.0*)?)$/i.exec(parameter) ?? [];
    if (weight !== undefined) return Number(weight);
  }
  return 1;
}

function notAcceptable(): ProgressError {
  return new ProgressError("not-acceptable", {
    message: "Accept names neither text/event-stream nor application/json.",
    status: 406,
  });
}
