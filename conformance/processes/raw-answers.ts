import { isRefusalCode } from "@emlinh/progress-protocol";

/** One answer of HTTP/1.1. */
interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Reads the answers on a connection that was closed. The last one may lack the rest of its body.
 *
 * @param isHead - Whether the first request is one for the headers alone.
 * @throws Error if the bytes are no HTTP.
 */
export function readAnswers(bytes: Buffer, isHead: boolean): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes.toString("latin1");
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    const head = rest.slice(0, end).split("\r\n");
    const [, status] = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]*$/.exec(head[0] ?? "") ?? [];
    if (end < 0 || status === undefined) throw new Error(`No answer: ${rest.slice(0, 200)}`);
    const headers = headersOf(head.slice(1));
    rest = rest.slice(end + 4);
    // Node refuses a malformed HEAD with a body, as it does any other request that it can't parse.
    const hasNoBody = isHead && answers.length === 0 && /^$|^HTTP\/1\.1 /.test(rest);
    const isEmpty = hasNoBody || /^(1..|204|304)$/.test(status);
    const [body, after] = isEmpty ? ["", rest] : bodyOf(rest, headers);
    if (!status.startsWith("1")) answers.push({ status: Number(status), headers, body });
    rest = after;
  }
  return answers;
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([\w!#$%&'*+.^`|~-]+): *([\t -~\x80-\xff]*)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`No header: ${line}`);
      return [name.toLowerCase(), value ?? ""];
    }),
  );
}

/** A body, and the bytes after it. */
function bodyOf(
  rest: string,
  headers: Readonly<Record<string, string>>,
): readonly [body: string, after: string] {
  const length = headers["content-length"];
  if (length !== undefined) return [rest.slice(0, Number(length)), rest.slice(Number(length))];
  return headers["transfer-encoding"] === "chunked" ? unchunked(rest) : [rest, ""];
}

function unchunked(text: string): readonly [body: string, after: string] {
  let body = "";
  let rest = text;
  while (rest !== "") {
    const [line, size = ""] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? [];
    if (line === undefined) throw new Error(`No chunk: ${rest.slice(0, 200)}`);
    const length = Number.parseInt(size, 16);
    const end = line.length + length;
    body += rest.slice(line.length, end);
    if (rest.length >= end + 2 && rest.slice(end, end + 2) !== "\r\n")
      throw new Error(`A chunk without an end: ${rest.slice(end, end + 20)}`);
    rest = rest.slice(end + 2);
    if (length === 0) break;
  }
  return [body, rest];
}

/**
 * Checks that an answer is one of this library, or a refusal of the framework or of Node.
 *
 * @throws Error
 */
export function expectKnownAnswer({ status, headers, body }: RawAnswer): void {
  const isProblem = headers["content-type"]?.startsWith("application/problem+json") === true;
  if (status >= 500) throw new Error(`An answer with ${status}: ${body.slice(0, 500)}`);
  if (status >= 300 && status < 400 && status !== 304) throw new Error(`A redirect: ${status}`);
  // An answer to HEAD has no body.
  if (!isProblem || body === "") return;
  const problem = JSON.parse(body) as { code: unknown; status: unknown };
  if (!isRefusalCode(problem.code) || problem.status !== status || status < 400)
    throw new Error(`No problem of this library, with ${status}: ${body}`);
}
