import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import pg from "pg";

/** How a server is started. */
export interface PostgresServerOptions {
  /** Whether each commit waits for the disk, as it does by default. Tests needn't: what they kill is a process, not a machine. @defaultValue `false` */
  readonly durable?: boolean | undefined;
  /** Further settings, such as `["max_connections=200"]`. */
  readonly settings?: readonly string[] | undefined;
}

/** How a server ends: `smart` waits for its clients, `fast` cuts them off, `immediate` is a crash. */
type StopMode = "smart" | "fast" | "immediate";

/** A PostgreSQL server of a test's own, on the loopback. It ends with the process that started it, at the latest. */
export interface PostgresServer {
  readonly port: number;
  /** Of the database `postgres`, as a superuser without a password. */
  readonly url: string;
  /** The process id; `undefined` while it is stopped. */
  pid(): number | undefined;
  /** Resolves when the process is gone. Idempotent. @param mode - @defaultValue `"fast"` */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again after `stop()`, on the same port and with the same data. Resolves when it takes connections. */
  start(): Promise<void>;
  /** Makes an empty database, and gives its URL. */
  newDatabase(): Promise<string>;
}

const SIGNALS: Readonly<Record<StopMode, NodeJS.Signals>> = {
  smart: "SIGTERM",
  fast: "SIGINT",
  immediate: "SIGQUIT",
};

/** Where the binaries are: beside what `POSTGRES_PATH` names, on the path, or where Debian puts them. */
const FOLDER = [
  ...(process.env.POSTGRES_PATH ? [dirname(process.env.POSTGRES_PATH)] : []),
  ...(process.env.PATH ?? "").split(delimiter),
  ...debianFolders(),
].find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));

function debianFolders(): readonly string[] {
  const versions = "/usr/lib/postgresql";
  if (!existsSync(versions)) return [];
  const found = readdirSync(versions).sort((a, b) => Number(b) - Number(a));
  return found.map((version) => join(versions, version, "bin"));
}

/** Why there is no server to be had; `undefined` if there is one. In CI that is an error, not a reason to skip. */
export const POSTGRES_MISSING: string | undefined = missing();

function missing(): string | undefined {
  if (FOLDER !== undefined) return undefined;
  const reason = "postgres and initdb are missing: install postgresql, or set POSTGRES_PATH";
  if (process.env.CI) throw new Error(reason);
  return reason;
}

/** What has to go when this process does: a test that is killed leaves neither a server nor a folder. */
const leftovers = new Set<() => void>();
process.once("exit", () => {
  for (const clean of leftovers) clean();
});

/** Starts a server with a fresh cluster on a free port. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  if (FOLDER === undefined) throw new Error(POSTGRES_MISSING);
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "progress-postgres-"));
  const owner = serverUser();
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  let child: ChildProcess | undefined;
  leftovers.add(() => {
    child?.kill("SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  });
  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"];
  execFileSync(join(FOLDER, "initdb"), initdb, { ...owner, cwd: folder, stdio: "pipe" });
  const args = argumentsOf({ data, folder, port }, options);

  async function start(): Promise<void> {
    if (child !== undefined) return;
    const started = spawn(join(FOLDER ?? "", "postgres"), args, {
      ...owner,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    child = started;
    await untilReady(started);
  }

  async function stop(mode: StopMode = "fast"): Promise<void> {
    const stopped = child;
    child = undefined;
    if (stopped === undefined || stopped.exitCode !== null || stopped.signalCode !== null) return;
    const gone = once(stopped, "exit");
    stopped.kill(SIGNALS[mode]);
    await gone;
  }

  const urlOf = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  let databases = 0;

  await start();
  return {
    port,
    url: urlOf("postgres"),
    pid: () => child?.pid,
    start,
    stop,
    async newDatabase() {
      databases += 1;
      await askServer(urlOf("postgres"), `create database test${databases}`);
      return urlOf(`test${databases}`);
    },
  };
}

/** Runs one statement on a connection of its own, and gives the rows. */
async function askServer(url: string, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** As whom the server runs: it refuses to as root, and then is its own user, or nobody. */
export function serverUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const user of ["postgres", "nobody"]) {
    const [uid, gid] = ["-u", "-g"].map((flag) => idOf(user, flag));
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error("PostgreSQL won't run as root, and there is neither a user postgres nor nobody.");
}

function idOf(user: string, flag: string): number | undefined {
  try {
    return Number(execFileSync("id", [flag, user], { encoding: "utf8", stdio: "pipe" }));
  } catch {
    // There is no such user; another one will do.
    return undefined;
  }
}

function argumentsOf(
  { data, folder, port }: { data: string; folder: string; port: number },
  { durable = false, settings = [] }: PostgresServerOptions,
): string[] {
  const all = [
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${folder}`,
    ...(durable ? [] : ["fsync=off", "full_page_writes=off"]),
    ...settings,
  ];
  return ["-D", data, "-p", `${port}`, ...all.flatMap((setting) => ["-c", setting])];
}

/** Waits for the line that says so; what else was said is told if the server ends before. */
function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    // Read to the end, or the server blocks on a full pipe.
    server.stderr?.on("data", (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-10_000);
      if (said.includes("database system is ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`postgres ended with ${code}: ${said}`)));
  });
}

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return address.port;
}
