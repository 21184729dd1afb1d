import { describe, it } from "vitest";
import { SYSTEM_TOOLS } from "../../scripts/lib/system-tools.mjs";

// Set by `npm test`, which also explains how to install a tool. In other runs, each test that needs a tool reports it.
const missing = new Set((process.env.MISSING_SYSTEM_TOOLS ?? "").split(" "));

describe("the system", () => {
  for (const { name, purpose } of SYSTEM_TOOLS.filter(({ needed }) => needed)) {
    it(`has ${name}, for ${purpose}`, ({ skip }) => {
      if (!missing.has(name)) return;
      if (process.env.CI)
        throw new Error(`${name} is missing, so ${purpose} can't run. Install it.`);
      skip(`${name} is missing, so ${purpose} are skipped`);
    });
  }
});
