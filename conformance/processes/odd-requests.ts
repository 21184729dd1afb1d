import { oddReport } from "./odd-reports.js";
import type { Random } from "./random.js";

/** The path where progress is served. */
export const BASE = "/api/video-progress";

/** The parts of a request. */
export interface OddRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A request that may be correct, odd or malformed. */
export function oddRequest(random: Random): OddRequest {
  if (random.chance(0.15)) return reportRequest(random);
  if (random.chance(0.05)) return preflight(random);
  const body = random.pick(BODIES)();
  return {
    method: random.chance(0.7) ? "GET" : random.pick(METHODS),
    path: oddPath(random),
    headers: [...oddHeaders(random), ...(body === "" ? [] : [lengthOf(body, random)])],
    body,
  };
}

/** The bytes of a request in HTTP/1.1. */
export function bytesOf({ method, path, headers, body }: OddRequest): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines}\r\n${body}`,
    "latin1",
  );
}

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "DELETE",
  "OPTIONS",
  "PUT",
  "PATCH",
  "TRACE",
  "get",
  "QUERY",
];

const IDS = [
  "job-0",
  "job-1",
  "job-2",
  "job-3",
  "job%2d0",
  "unknown",
  "__proto__",
  "constructor",
  "%",
  "%00",
  "%E0%A4%A",
  "%ff%fe",
  "..%2f..%2fetc",
  "a".repeat(128),
  "a".repeat(4_000),
  "",
  "job-0;x=1",
  "%F0%9F%8E%AC",
];

const TAILS = [
  "",
  "",
  "",
  "/",
  "/status",
  "/cancel",
  "/status/",
  "//",
  "/..",
  "/updates",
  "/cleanup",
  "/%2e%2e",
  "/x/y/z",
];

const QUERIES = [
  () => "",
  () => "",
  () => "?wait=0.2",
  (random: Random) => `?wait=${random.pick(WAITS)}`,
  (random: Random) =>
    `?after=${encodeURIComponent(random.pick(CURSORS))}&wait=${random.pick(WAITS)}`,
  (random: Random) => `?after=${random.pick(CURSORS)}`,
  (random: Random) => `?lastEventId=${encodeURIComponent(random.pick(CURSORS))}`,
  () => "?after=a&after=b&wait=1&wait=2",
  (random: Random) => `?ticket=${encodeURIComponent(random.pick(TICKETS))}`,
  () => `?${"x=1&".repeat(500)}`,
  () => "?%E0%A4%A=%ff&=&&",
  () => "?wait[]=1&wait[__proto__]=2",
];

const WAITS = [
  "0",
  "1",
  "0.1",
  "-1",
  "1e3",
  "Infinity",
  "NaN",
  "",
  "0x10",
  "9".repeat(400),
  "1;2",
  "%00",
];

const CURSORS = [
  "",
  "1",
  "0",
  "a.1",
  "a:1",
  "a-1",
  ".",
  "-1",
  "99999999999999999999",
  "x".repeat(3_000),
  "\u0001",
  "a.1.2",
  "é",
  "a.NaN",
  "__proto__.1",
];

const TICKETS = ["", "x", "A".repeat(100), "A".repeat(101), "é", "-_".repeat(150), "AQ", "="];

const ACCEPTS = [
  "text/event-stream",
  "text/event-stream",
  "text/event-stream",
  "application/json",
  "text/*",
  "*/*",
  "text/event-stream;q=0, */*;q=0.1",
  "q=q=q;;;,,,",
  "",
  ",".repeat(2_000),
  "text/event-stream;q=\u00e9",
];

const AUTHORIZE = ["throw", "reject", "hang", "odd", "odd members", "short", "no"];

const ORIGINS = ["null", "https://evil.test", "https://reader.test", "http://127.0.0.1", ":::", ""];

const TYPES = ["text/plain", "application/json", ";", "a/b/c", "multipart/form-data"];

/** A report of a worker that mostly arrives as a whole. */
function reportRequest(random: Random): OddRequest {
  const body = oddReport(random);
  return {
    method: "POST",
    path: `${BASE}/${random.pick(IDS.slice(0, 4))}/updates`,
    headers: [
      ["content-type", random.chance(0.9) ? "application/json" : random.pick(TYPES)],
      lengthOf(body, random),
      ...(random.chance(0.1)
        ? ([["authorization", `Bearer ${random.pick(TICKETS)}`]] as const)
        : []),
    ],
    body,
  };
}

/** The question of a browser whether a page of another origin may send a request. */
function preflight(random: Random): OddRequest {
  const names = ["authorization", "x, y", ",,,", "x".repeat(600), "é", ""];
  return {
    method: "OPTIONS",
    path: oddPath(random),
    headers: [
      ["origin", random.pick(ORIGINS)],
      ["access-control-request-method", random.pick(METHODS)],
      ["access-control-request-headers", random.pick(names)],
    ],
    body: "",
  };
}

function oddPath(random: Random): string {
  if (random.chance(0.03))
    return random.pick(["*", "//", "http://127.0.0.1/", "/%", "/api", "?", "\\"]);
  if (random.chance(0.2)) return `${BASE}${random.pick(["", "/"])}${manyQuery(random)}`;
  const query = random.pick(QUERIES)(random);
  return `${BASE}/${random.chance(0.7) ? random.pick(IDS.slice(0, 4)) : random.pick(IDS)}${random.pick(TAILS)}${query}`;
}

/** The query of a request for many jobs. */
function manyQuery(random: Random): string {
  const parameters = [
    () => `job=${random.pick(IDS)}`,
    () => `job=${random.pick(IDS)}@${random.pick(CURSORS)}`,
    () => `after=${random.pick(IDS)}@${random.pick(CURSORS)}`,
    () => `subject=${random.pick(SUBJECTS)}`,
    () => `limit=${random.pick(["1", "100", "0", "101", "1e1"])}`,
    () => `${random.pick(["seen", "before"])}=${random.pick(CURSORS)}`,
    () => `wait=${random.pick(WAITS)}`,
    () => `ticket=${encodeURIComponent(random.pick(TICKETS))}`,
  ];
  const count = random.chance(0.1) ? 200 : 1 + (random.chance(0.5) ? 2 : 0);
  const parts = Array.from({ length: count }, () => random.pick(parameters)());
  return `?${parts.join("&")}`;
}

const SUBJECTS = ["user:1", "user:1", "nobody", "", "a%20b", "%00", "__proto__", "x".repeat(129)];

function oddHeaders(random: Random): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [["accept", random.pick(ACCEPTS)]];
  const add = (probability: number, name: string, value: string): void => {
    if (random.chance(probability)) headers.push([name, value]);
  };
  add(0.3, "last-event-id", random.pick(CURSORS));
  add(0.2, "x-authorize", random.pick(AUTHORIZE));
  add(0.1, "if-none-match", random.pick(['"x"', "*", 'W/"1", "2"', '"', ",,,", '"'.repeat(999)]));
  add(0.1, "origin", random.pick(ORIGINS));
  add(0.1, "sec-fetch-site", random.pick(["cross-site", "same-origin", "none", "x", ""]));
  add(0.1, "content-type", random.pick(TYPES));
  add(0.05, "authorization", `Bearer ${random.pick(TICKETS)}`);
  add(0.05, "connection", random.pick(["close", "keep-alive", "upgrade", "x"]));
  add(0.05, "expect", random.pick(["100-continue", "x"]));
  add(0.05, "x-large", "y".repeat(random.pick([1_000, 12_000, 40_000])));
  add(0.05, "accept-encoding", "gzip, br");
  add(0.03, "upgrade", "h2c");
  add(0.03, "bad header", "x");
  return headers;
}

const BODIES = [
  () => "",
  () => "",
  () => "",
  () => "{}",
  () => "{",
  () => "x".repeat(20_000),
  () => `${"[".repeat(50_000)}`,
];

function lengthOf(body: string, random: Random): readonly [string, string] {
  if (random.chance(0.8)) return ["content-length", String(body.length)];
  return random.chance(0.5)
    ? ["content-length", String(body.length + 10)]
    : ["transfer-encoding", "chunked"];
}
