import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import pg from "pg";
import { serverFolder } from "./server-folder.js";
import { freePort, missing, stopProcess, untilOutput } from "./server-process.js";

/** The options of a server. */
export interface PostgresServerOptions {
  /**
   * Whether each commit waits for the disk, as PostgreSQL does by default. Tests need not, because they kill
   * processes and not machines.
   *
   * @defaultValue `false`
   */
  readonly durable?: boolean | undefined;
  /** More settings, such as `["max_connections=200"]`. */
  readonly settings?: readonly string[] | undefined;
  /** The primary that it follows, with a copy of its data. By default it is a primary itself. */
  readonly standbyOf?: Pick<PostgresServer, "port"> | undefined;
}

/** How a server stops: `smart` waits for its clients, `fast` disconnects them, `immediate` is a crash. */
type StopMode = "smart" | "fast" | "immediate";

/**
 * A PostgreSQL server of one test, on the loopback interface. It ends at the latest with the process that started it.
 */
export interface PostgresServer {
  readonly port: number;
  /** The URL of the database `postgres`, for a superuser without a password. */
  readonly url: string;
  /** The process id; `undefined` while it is stopped. */
  pid(): number | undefined;
  /** Resolves when the process has exited. Idempotent. @param mode - @defaultValue `"fast"` */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again after `stop()`, on the same port and with the same data. Resolves when it accepts connections. */
  start(): Promise<void>;
  /** Creates an empty database. Resolves with its URL. */
  newDatabase(): Promise<string>;
}

const SIGNALS: Readonly<Record<StopMode, NodeJS.Signals>> = {
  smart: "SIGTERM",
  fast: "SIGINT",
  immediate: "SIGQUIT",
};

/** The folder of the binaries: that of `POSTGRES_PATH`, one on the path, or where Debian installs them. */
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

/**
 * The reason why no server is available; `undefined` if one is. In CI a missing server is an error, not a reason to
 * skip.
 */
export const POSTGRES_MISSING: string | undefined =
  FOLDER === undefined
    ? missing("postgres and initdb are missing: install postgresql, or set POSTGRES_PATH", true)
    : undefined;

/** Starts a server with a new database cluster on a free port. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  if (FOLDER === undefined) throw new Error(POSTGRES_MISSING);
  const port = await freePort();
  // SIGQUIT also ends the server's own child processes.
  const { path: folder, guard } = serverFolder("postgres", "QUIT");
  const owner = serverUser();
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  let child: ChildProcess | undefined;
  const data = join(folder, "data");
  const [program, ...creation] = creationOf(data, options.standbyOf);
  // The folder may hold links to some of the binaries.
  const binaries = dirname(realpathSync(join(FOLDER, "initdb")));
  execFileSync(join(binaries, program), creation, { ...owner, cwd: folder, stdio: "pipe" });
  const args = argumentsOf({ data, folder, port }, options);

  async function start(): Promise<void> {
    if (child !== undefined) return;
    const started = spawn(join(FOLDER ?? "", "postgres"), args, {
      ...owner,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    child = started;
    guard(started);
    // Of a standby, it accepts read-only connections.
    await untilOutput(started, "database system is ready to accept");
  }

  async function stop(mode: StopMode = "fast"): Promise<void> {
    const stopped = child;
    child = undefined;
    await stopProcess(stopped, SIGNALS[mode]);
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
      await runStatement(urlOf("postgres"), `create database test${databases}`);
      return urlOf(`test${databases}`);
    },
  };
}

/** Runs one statement on a new connection. Resolves with its rows. */
async function runStatement(url: string, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** The user that runs the server. It refuses to run as root, so then it runs as `postgres` or `nobody`. */
export function serverUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const user of ["postgres", "nobody"]) {
    const [uid, gid] = ["-u", "-g"].map((flag) => idOf(user, flag));
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    "PostgreSQL does not run as root, and there is no user postgres or nobody. Run the tests as another user.",
  );
}

function idOf(user: string, flag: string): number | undefined {
  try {
    return Number(execFileSync("id", [flag, user], { encoding: "utf8", stdio: "pipe" }));
  } catch {
    // There is no such user. The next one is tried.
    return undefined;
  }
}

/** The command that creates the data of a server. */
function creationOf(
  data: string,
  primary: PostgresServerOptions["standbyOf"],
): [program: string, ...args: string[]] {
  if (primary === undefined)
    return [
      "initdb",
      "-D",
      data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-N",
      "-E",
      "UTF8",
      "--locale=C",
    ];
  const at = ["-h", "127.0.0.1", "-p", `${primary.port}`, "-U", "postgres"];
  return ["pg_basebackup", ...at, "-D", data, "--write-recovery-conf", "--checkpoint=fast"];
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
