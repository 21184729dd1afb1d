import type { Fields } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { loadVectors } from "../../../../conformance/vectors/load.js";
import { closedSteps } from "../../src/shared/lifecycle.js";

interface EndCase {
  readonly id: string;
  readonly what: string;
  readonly fields: Fields;
  readonly finishedAt: number;
  readonly closed: Fields;
}

const { cases } = loadVectors<{ cases: EndCase[] }>("ends.json");

describe("ends.json", () => {
  test.each(cases)("$id: $what", ({ fields, finishedAt, closed }) => {
    expect(closedSteps(fields, finishedAt)).toEqual(closed);
  });
});
