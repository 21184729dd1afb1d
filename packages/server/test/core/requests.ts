import type { Answer, RequestFacts } from "../../src/index.js";

/** Makes the facts of a request, as an adapter does. `target` is the path below the mount point, with its query. */
export function requestFacts(
  target: string,
  headers: Record<string, string> = {},
  more: Partial<RequestFacts> = {},
): RequestFacts {
  const [path = "", query = ""] = target.split("?");
  return {
    method: "GET",
    path,
    query: new URLSearchParams(query),
    header: (name) => headers[name],
    raw: { headers },
    signal: new AbortController().signal,
    ...more,
  };
}

/** The body of an answer, parsed as JSON: `null` if it has none, `undefined` if it is a stream. */
export function bodyOf(answer: Answer): unknown {
  return answer.kind === "body" ? JSON.parse(answer.body ?? "null") : undefined;
}
