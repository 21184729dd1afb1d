import { describe, expect, test } from "vitest";
import { loadVectors } from "../../../conformance/vectors/load.js";
import { refusalOf } from "../src/transports/failure.js";

interface Case {
  readonly id: string;
  readonly what: string;
  readonly status: number;
  readonly type: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly outcome: "final" | "retry" | "refresh";
  readonly waitMs?: number;
}

const { cases } = loadVectors<{ readonly cases: readonly Case[] }>("refusals.json");

function answerOf({ status, type, headers, body }: Case): Response {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Response(text, {
    status,
    headers: { ...headers, ...(type && { "content-type": type }) },
  });
}

describe("an answer without a successful status", () => {
  test.each(cases.map((vector) => [vector.id, vector.what, vector] as const))(
    "given %s, %s, does what the vector says",
    async (_id, _what, vector) => {
      const { error, floorMs } = await refusalOf(answerOf(vector), { url: "https://host/api/a" });
      const outcome = error.status === 401 ? "refresh" : error.retryable ? "retry" : "final";
      expect(outcome).toBe(vector.outcome);
      expect(floorMs).toBe(vector.waitMs ?? 0);
      expect(typeof error.message).toBe("string");
      expect(error.message).not.toContain("[object");
      const isOurs = vector.outcome === "final" || error.code !== "network";
      if (isOurs) expect((vector.body as { code: string }).code).toBe(error.code);
    },
  );
});
