import { expect, test } from "vitest";
import { createProgress, memoryStore } from "../../../src/index.js";
import { bodyOf, requestFacts } from "../requests.js";

/** Nearly as long as a body may be, and slow for a pattern that looks for the end of a URL at each "://". */
const LONG = "://".repeat(170_000);
/** A member within the bound of a change. JSON reads the number as Infinity, which can't be stored. */
const LONG_KEY = `{ "${"://".repeat(80_000)}": 1e999 }`;

test.each([
  ["an id of a step with a wrong value", `"steps": { "${LONG}": 1 }`],
  ["an id of a step with an unknown status", `"steps": { "${LONG}": { "status": 1 } }`],
  ["an id of a step with an unknown member", `"steps": { "${LONG}": { "x": 1 } }`],
  ["an id of a step that is right otherwise", `"steps": { "${LONG}": {} }`],
  ["a key of metadata", `"metadata": { "${LONG}": 1 }`],
  ["a key within metadata", `"metadata": { "a": ${LONG_KEY} }`],
  [
    "a key within the data of a line",
    `"log": [{ "text": "", "data": { "${"://".repeat(9_000)}": 1e999 } }]`,
  ],
  ["a key within a result", `"end": { "status": "completed", "result": { "a": ${LONG_KEY} } }`],
  ["a member", `"${LONG}": 1`],
  ["a message of the wrong type", `"message": ["${LONG}"]`],
  ["an attempt", `"open": { "attempt": "${LONG}" }`],
  ["the status of an end", `"end": { "status": "${LONG}" }`],
  ["the code of an error", `"end": { "status": "failed", "error": { "code": 1, "${LONG}": 1 } }`],
])(
  "given %s that is very long, refuses the report at once and quotes little of it",
  async (_what, member) => {
    const progress = createProgress({
      store: memoryStore(),
      authorize: () => true,
      sweepIntervalMs: false,
    });
    const { id } = await progress.create({ kind: "a" });
    const hold = { token: "t".repeat(32), count: 1 };
    const text = `{ "hold": ${JSON.stringify(hold)}, ${member} }`;
    const request = { method: "POST", body: async () => text };
    const type = { "content-type": "application/json" };
    const began = performance.now();
    const answer = await progress.handle(requestFacts(`/${id}/updates`, type, request));
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(bodyOf(answer)).toMatchObject({ code: "invalid-change" });
    expect((bodyOf(answer) as { detail: string }).detail.length).toBeLessThan(1_000);
    await progress.close();
  },
);
