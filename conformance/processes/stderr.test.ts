import { expect, test } from "vitest";
import { runProgram } from "../programs.js";
import type { FailingWorkOrders } from "./programs/failing-work.js";

/** Runs a program whose work fails three times. Resolves with the lines that it wrote to stderr. */
async function linesOf(orders: FailingWorkOrders): Promise<readonly string[]> {
  let stderr = "";
  const onStderr = (text: string): void => {
    stderr += text;
  };
  const program = await runProgram("processes/programs/failing-work.ts", orders, { onStderr });
  expect(await program.exited).toBe(0);
  return stderr.split("\n").filter((line) => line !== "");
}

test("given work that throws and no onError, the process prints one line per kind, with the error", async () => {
  const lines = await linesOf({ hasOnError: false });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("[@emlinh/progress] job-failed");
  expect(lines[0]).toContain("The disk is full");
});

test("given an onError of the app, the process prints nothing", async () => {
  expect(await linesOf({ hasOnError: true })).toEqual([]);
});
