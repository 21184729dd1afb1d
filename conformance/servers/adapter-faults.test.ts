import { expect, test } from "vitest";
import { runProgram } from "../programs.js";

test("given a core that throws at every call, no adapter lets an error reach the process", async () => {
  const program = await runProgram<{ requests: number; faults: string[] }>(
    "servers/programs/faulty-core.ts",
    {},
    { home: "../packages/server" },
  );
  const { requests, faults } = await program.until("its result", () => true);
  expect(requests).toBeGreaterThan(100);
  expect(faults).toEqual([]);
});
