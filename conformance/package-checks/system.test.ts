import { describe, it } from "vitest";
import { SYSTEM_TOOLS } from "../../scripts/lib/system-tools.mjs";

// `npm test` looks for them and says how to get one. Run otherwise, each test that needs one says so itself.
const missing = new Set((process.env.MISSING_SYSTEM_TOOLS ?? "").split(" "));

describe("the system has what tests need", () => {
  for (const { name, purpose } of SYSTEM_TOOLS.filter(({ needed }) => needed)) {
    it(`${name}, for ${purpose}`, ({ skip }) => {
      if (!missing.has(name)) return;
      if (process.env.CI) throw new Error(`${name} is missing, so ${purpose} can't run`);
      skip(`${name} is missing, so ${purpose} are skipped`);
    });
  }
});
