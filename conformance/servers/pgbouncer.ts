import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, serverUser } from "./postgres.js";

/** A PgBouncer of a test's own, in transaction mode: each transaction may get another connection to the server. */
export interface PgBouncer {
  /** The URL of a database, by way of it. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

const BINARY = process.env.PGBOUNCER_PATH ?? "pgbouncer";

/** Why there is none to be had; `undefined` if there is one. Nothing else needs it, so that it may be missing in CI too. */
export const PGBOUNCER_MISSING: string | undefined = missing();

function missing(): string | undefined {
  try {
    execFileSync(BINARY, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `${BINARY} is missing: install pgbouncer, or set PGBOUNCER_PATH`;
  }
}

/** What has to go when this process does. */
const leftovers = new Set<() => void>();
process.once("exit", () => {
  for (const clean of leftovers) clean();
});

/** Starts one before a PostgreSQL server. */
export async function startPgBouncer(serverPort: number): Promise<PgBouncer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "progress-pgbouncer-"));
  const file = join(folder, "pgbouncer.ini");
  writeFileSync(
    file,
    `[databases]
* = host=127.0.0.1 port=${serverPort} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
max_client_conn = 500
`,
  );
  chmodSync(folder, 0o755);
  const child = spawn(BINARY, [file], { ...serverUser(), stdio: ["ignore", "ignore", "pipe"] });
  leftovers.add(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  await untilUp(child);
  return {
    urlOf: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function untilUp(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-10_000);
      if (said.includes("process up")) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${BINARY} ended with ${code}: ${said}`)));
  });
}
