import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The files of one server. */
export interface ServerFolder {
  readonly path: string;
  /** Ends a server with this process, at the latest. */
  guard(server: ChildProcess): void;
  /** Deletes the folder soon. No guarded server may run. */
  remove(): void;
}

/**
 * Reads the pid of the running server from its input, an empty line when there is none. The input ends with the process
 * that holds its other end. Then this ends the server and deletes the folder.
 */
const GUARD = `
while read -r pid; do server=$pid; done
if [ -n "$server" ] && kill -s "$2" "$server"; then
  for i in $(seq 50); do kill -s 0 "$server" || break; sleep 0.1; done
  kill -s KILL "$server"
fi
rm -rf "$1"`;

/**
 * Makes a temporary folder for a server. A shell deletes it when this process has ended, and ends the server before.
 * The process itself could not: Vitest ends its workers by signals, after which no `exit` handler runs.
 *
 * @param signal - Ends the server at once.
 */
export function serverFolder(name: string, signal: "KILL" | "QUIT" = "KILL"): ServerFolder {
  const path = mkdtempSync(join(tmpdir(), `progress-${name}-`));
  // In a group of its own, so that Ctrl+C in a terminal does not end it.
  const shell = spawn("sh", ["-c", GUARD, "guard", path, signal], {
    detached: true,
    cwd: tmpdir(),
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.unref();
  return {
    path,
    guard(server) {
      shell.stdin.write(`${server.pid ?? ""}\n`);
      server.once("exit", () => void shell.stdin.write("\n"));
    },
    remove: () => void shell.stdin.end(),
  };
}
