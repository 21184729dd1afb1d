import { spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serverUser } from "./postgres.js";
import { serverFolder } from "./server-folder.js";
import { freePort, missingBinary, stopProcess, untilOutput } from "./server-process.js";

/** A PgBouncer of one test, in transaction mode: each transaction may get another connection to the server. */
export interface PgBouncer {
  /** The URL of a database through this PgBouncer. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

const BINARY = process.env.PGBOUNCER_PATH ?? "pgbouncer";

/**
 * The reason why none is available; `undefined` if one is. Only the tests of poolers need it, so CI may lack it too.
 */
export const PGBOUNCER_MISSING: string | undefined = missingBinary({
  binary: BINARY,
  versionFlag: "--version",
  remedy: "install pgbouncer, or set PGBOUNCER_PATH",
  isRequiredInCi: false,
});

/** Starts a PgBouncer in front of a PostgreSQL server. */
export async function startPgBouncer(serverPort: number): Promise<PgBouncer> {
  const port = await freePort();
  const { path: folder, guard } = serverFolder("pgbouncer");
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
  guard(child);
  await untilOutput(child, "process up");
  return {
    urlOf: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    stop: () => stopProcess(child, "SIGKILL"),
  };
}
