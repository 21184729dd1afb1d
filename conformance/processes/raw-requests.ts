import fc from "fast-check";
import { BASE } from "./odd-requests.js";

/** The bytes of a request of HTTP/1.1, made of parts that a seed determines and that shrink one by one. */
export interface RawRequest {
  readonly bytes: Buffer;
  /** The lengths of the pieces in which they are sent; the last piece has the rest. */
  readonly pieces: readonly number[];
  /** Whether it ends where its headers say, so that the next request may follow. */
  readonly isWhole: boolean;
}

const text = fc.string({ unit: "binary-ascii", maxLength: 40 });

/** Mostly a value that has a meaning here, else any text. */
function mostly(values: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: text },
  );
}

const jobId = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("job-0", "job-1", "ended") },
  { weight: 2, arbitrary: fc.constantFrom("unknown", "__proto__", "%", "%00", "%ff%fe", "a%2fb") },
  { weight: 1, arbitrary: text.map((id) => encodeURIComponent(id.replace(/\W/g, "é"))) },
);
const tail = fc.constantFrom(
  "",
  "",
  "",
  "/status",
  "/cancel",
  "/updates",
  "/",
  "//",
  "/..",
  "/x/y",
);
const cursor = mostly(["", "a.1", "a.0", "%00", "x".repeat(100), "-1", "é"]);
const parameter = fc.oneof(
  fc.tuple(fc.constantFrom("after", "lastEventId"), cursor),
  fc.tuple(fc.constant("wait"), mostly(["0", "0.05", "9", "-1", "1e3", "NaN", ""])),
  fc.tuple(fc.constant("ticket"), mostly(["A".repeat(100), "", "="])),
  fc.tuple(text.map(encodeURIComponent), text.map(encodeURIComponent)),
);
const query = fc
  .array(parameter, { maxLength: 3 })
  .map((parts) =>
    parts.map((part, index) => `${index === 0 ? "?" : "&"}${part.join("=")}`).join(""),
  );
/** A parameter of a request for many jobs. */
const manyParameter = fc.oneof(
  fc.tuple(
    fc.constantFrom("job", "after"),
    fc.tuple(jobId, cursor).map(([id, at]) => `${id}@${at}`),
  ),
  fc.tuple(fc.constant("job"), jobId),
  fc.tuple(fc.constant("subject"), mostly(["user:1", "nobody", "", "a%20b", "x".repeat(129)])),
  fc.tuple(fc.constant("limit"), mostly(["1", "100", "0", "101", "-1", "1e1"])),
  fc.tuple(fc.constantFrom("before", "seen"), mostly(["a", "a.1", "", "%00", "x".repeat(9_000)])),
  parameter,
);
const manyQuery = fc
  .array(manyParameter, { minLength: 1, maxLength: 6 })
  .map((parts) => parts.map((part) => part.join("=")).join("&"));
const target = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom("", "/"), manyQuery)
      .map(([slash, parts]) => `${BASE}${slash}?${parts}`),
  },
  {
    weight: 12,
    arbitrary: fc.tuple(jobId, tail, query).map(([id, end, rest]) => `${BASE}/${id}${end}${rest}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(`${BASE}/cleanup`, BASE, "*", "//", "http://x.test/", "/%"),
  },
);
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("GET", "POST") },
  { weight: 3, arbitrary: fc.constantFrom("HEAD", "DELETE", "OPTIONS") },
  { weight: 1, arbitrary: fc.constantFrom("PUT", "PATCH", "TRACE", "QUERY", "get", "X") },
);

const ACCEPTS = ["text/event-stream", "application/json", "*/*", "text/*;q=0", ",,;q=", '"'];
const header = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant("Accept"), mostly(ACCEPTS)) },
  fc.tuple(fc.constant("Last-Event-ID"), cursor),
  fc.tuple(fc.constant("If-None-Match"), mostly(["*", 'W/"a.1"', '"', ",,"])),
  fc.tuple(fc.constant("Authorization"), mostly(["Bearer x", "Bearer", "Basic eDp5"])),
  fc.tuple(fc.constant("Origin"), mostly(["https://reader.test", "null", "https://evil.test", ""])),
  fc.tuple(fc.constant("Sec-Fetch-Site"), mostly(["same-origin", "cross-site", ""])),
  fc.tuple(fc.constant("Access-Control-Request-Method"), mostly(["POST", ""])),
  fc.tuple(fc.constant("Access-Control-Request-Headers"), mostly(["authorization", ",", "x, y"])),
  fc.tuple(fc.constant("Connection"), mostly(["close", "keep-alive", "upgrade"])),
  fc.tuple(fc.constant("Expect"), mostly(["100-continue"])),
  fc.tuple(fc.constant("Accept-Encoding"), mostly(["gzip, br"])),
  fc.tuple(fc.constantFrom("X-Odd", "Cookie", "Host", "Upgrade", "bad name"), text),
);

const token = mostly(["a".repeat(32), "b".repeat(32), "short"]);
const step = fc.record(
  {
    status: mostly(["running", "completed", "failed", "skipped"]),
    percent: fc.double(),
    done: fc.nat(),
  },
  { requiredKeys: [] },
);
const line = fc.record({ text, level: mostly(["info", "warn"]) }, { requiredKeys: ["text"] });
const report = fc.record(
  {
    hold: fc.record({ token, count: fc.oneof(fc.constant(1), fc.nat(4), fc.jsonValue()) }),
    open: fc.oneof(fc.constant({}), fc.constant({ takeOver: true }), fc.jsonValue()),
    message: fc.oneof(text, fc.jsonValue()),
    percent: fc.oneof(fc.double(), fc.jsonValue()),
    metadata: fc.dictionary(text, fc.jsonValue()),
    steps: fc.dictionary(mostly(["one", "two"]), step),
    log: fc.array(line, { maxLength: 3 }),
    requeue: fc.oneof(fc.constant(true), fc.jsonValue()),
    end: fc.record({
      status: mostly(["completed", "failed", "cancelled"]),
      result: fc.jsonValue(),
    }),
  },
  { requiredKeys: ["hold"] },
);
const body = fc.oneof(
  { weight: 4, arbitrary: report.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom("[".repeat(20_000), "x".repeat(600_000), '{"a":') },
);
const type = mostly(["application/json", "application/json", "text/plain"]);

/** How the length of the body is told: as it is, by chunks, wrongly, twice, or not at all. */
const framing = fc.oneof(
  { weight: 8, arbitrary: fc.constant("length" as const) },
  { weight: 3, arbitrary: fc.constant("chunked" as const) },
  { weight: 1, arbitrary: fc.constantFrom("too long", "too short", "raw chunks", "both", "none") },
);

function framed(content: string, kind: string): readonly [headers: string, content: string] {
  const length = Buffer.byteLength(content);
  const chunk = `${length.toString(16)}\r\n${content}\r\n`;
  const chunks = `${length > 0 ? chunk : ""}0\r\n\r\n`;
  switch (kind) {
    case "length":
      return [`Content-Length: ${length}\r\n`, content];
    case "too long":
      return [`Content-Length: ${length + 7}\r\n`, content];
    case "too short":
      return [`Content-Length: ${Math.max(0, length - 3)}\r\n`, content];
    case "chunked":
      return ["Transfer-Encoding: chunked\r\n", chunks];
    case "raw chunks":
      return ["Transfer-Encoding: chunked\r\n", content];
    case "both":
      return [`Content-Length: ${length}\r\nTransfer-Encoding: chunked\r\n`, chunks];
    default:
      return ["", content];
  }
}

const message = fc
  .record({
    method,
    target,
    headers: fc.array(header, { maxLength: 5 }),
    body: fc.option(fc.tuple(body, framing, type)),
  })
  .map((parts) => {
    const [content, kind, contentType] = parts.body ?? ["", "none", ""];
    const [length, sent] = framed(content, kind);
    const typed = parts.body === null ? "" : `Content-Type: ${contentType}\r\n`;
    const lines = parts.headers.map(
      ([name, value]) => `${name}: ${value.replace(/[\r\n]/g, "")}\r\n`,
    );
    const first = `${parts.method} ${parts.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n`;
    const bytes = Buffer.from(`${first}${lines.join("")}${typed}${length}\r\n${sent}`, "utf8");
    return { bytes, isWhole: kind === "length" || kind === "chunked" || content === "" };
  });

/** A change of bytes. The place is a part of the whole, so that it still has a meaning when the request shrinks. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  removed: fc.nat(3),
  inserted: fc.oneof(
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom("\r\n", "\r\n\r\n", "\n", "\0", ":", " ", "%", ",", '"')
      .map((part) => Buffer.from(part)),
  ),
});

interface Mutation {
  readonly at: number;
  readonly removed: number;
  readonly inserted: Uint8Array;
}

function mutated(bytes: Uint8Array, { at, removed, inserted }: Mutation): Uint8Array {
  const index = Math.floor(at * Math.min(bytes.length, 2_000));
  return Buffer.concat([bytes.subarray(0, index), inserted, bytes.subarray(index + removed)]);
}

/** Mostly none, so that requests have a meaning. */
const mutations: fc.Arbitrary<Mutation[]> = fc.oneof(
  { weight: 2, arbitrary: fc.array(mutation, { maxLength: 0 }) },
  { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
);

/** Requests that are correct, odd or malformed. */
export const rawRequest: fc.Arbitrary<RawRequest> = fc
  .record({ message, mutations, pieces: fc.array(fc.nat(200), { maxLength: 3 }) })
  .map(({ message: { bytes, isWhole }, mutations: changes, pieces }) => ({
    bytes: Buffer.from(changes.reduce<Uint8Array>(mutated, bytes)),
    pieces,
    isWhole: isWhole && changes.length === 0,
  }));
