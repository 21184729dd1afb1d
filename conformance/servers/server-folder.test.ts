import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runProgram } from "../programs.js";
import { until } from "../stores/await-helpers.js";
import type { OwnerSaid } from "./programs/server-owner.js";

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // The process has ended.
    return false;
  }
}

describe.skipIf(process.platform === "win32")("the folder of a server", () => {
  test.each(["SIGTERM", "SIGKILL"] as const)(
    "given an owner that %s ends, is deleted, and the server ends",
    async (signal) => {
      const owner = await runProgram<OwnerSaid>("servers/programs/server-owner.ts", {});
      const { folder, pid = 0 } = await owner.until("its server", () => true);
      expect([existsSync(folder), isRunning(pid)]).toEqual([true, true]);
      await owner.kill(signal);
      await until("the folder is deleted", () => !existsSync(folder));
      await until("the server has ended", () => !isRunning(pid));
    },
  );
});
