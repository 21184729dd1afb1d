import type { Random } from "./random.js";

/** The body of a report that may be correct, odd or malformed. */
export function oddReport(random: Random): string {
  const hold = { token: random.pick(TOKENS), count: random.pick(COUNTS) };
  const members = Array.from({ length: random.below(4) }, () => random.pick(MEMBERS));
  const text = `{"hold":${JSON.stringify(hold)}${members.map((member) => `,${member}`).join("")}}`;
  return random.chance(0.9) ? text : text.slice(0, random.below(text.length));
}

const TOKENS = [
  "a".repeat(32),
  "b".repeat(32),
  "c".repeat(64),
  "short",
  "x".repeat(4_000),
  5,
  null,
];

const COUNTS = [1, 1, 1, 2, 3, 100, 0, -1, 1.5, 1e15, 1e16, "1", null];

const MEMBERS = [
  '"open":{}',
  '"open":{}',
  '"open":{"takeOver":true}',
  '"open":{"attempt":"next"}',
  '"open":{"seen":"a.1"}',
  '"open":[]',
  '"message":"At work"',
  '"message":{"a":1}',
  '"percent":1e999',
  '"percent":50',
  '"metadata":{"__proto__":1,"constructor":2}',
  `"metadata":{"a":${"[".repeat(200)}${"]".repeat(200)}}`,
  `"metadata":{"a":{"${"://".repeat(20_000)}":1e999}}`,
  '"steps":{"one":{"status":"completed"}}',
  '"steps":{"one":{"percent":-1}}',
  `"steps":{"${"://".repeat(20_000)}":1}`,
  '"log":[{"text":"A line"}]',
  '"log":[{"text":"A line","level":"loud"}]',
  `"log":[${"{},".repeat(10_000)}{}]`,
  '"lostLines":-1',
  '"leaseMs":5000',
  '"leaseMs":1e9',
  '"requeue":true',
  '"requeue":{"message":7}',
  '"end":{"status":"completed","result":{"url":"/v"}}',
  '"end":{"status":"failed","error":{"code":"a","message":"b"}}',
  '"end":{"status":"lost"}',
  '"unknown":1',
  `"${"k".repeat(100_000)}":1`,
];
