import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { PLACEMENT } from "./cores.js";
import { printTable } from "./figures.js";

/** Prints the date, the machine and the versions. Names of hosts and paths are left out. */
export function printMachine(versions: Readonly<Record<string, string>> = {}): void {
  printTable(
    "Measured on",
    ["", ""],
    [
      ["date", new Date().toISOString().slice(0, 10)],
      ["Node.js", process.versions.node],
      // Not those that this process is bound to.
      ["CPU", `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores`],
      ["memory", `${Math.round(totalmem() / 1024 ** 3)} GiB`],
      ["system", process.platform],
      ["placement", PLACEMENT],
      ...Object.entries(versions),
    ],
  );
}

/**
 * Checks that this process and its programs may open so many files.
 *
 * @throws Error that tells how to raise the limit.
 */
export function requireFiles(count: number): void {
  const limit = maxFiles();
  if (limit === undefined || limit >= count) return;
  throw new Error(
    `A process may open ${limit} files, and this benchmark needs ${count}. Run \`ulimit -n ${count}\` before it.`,
  );
}

/** The limit of open files, where the system tells it in `/proc`. */
function maxFiles(): number | undefined {
  try {
    return Number(/^Max open files\s+(\d+)/mu.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}
