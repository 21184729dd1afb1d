import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real nginx before a test's servers, on the loopback. It ends with the process that started it, at the latest. */
export interface Nginx {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Resolves when it is gone, with its files. Idempotent. */
  stop(): Promise<void>;
}

/** What {@link startNginx} takes. */
export interface NginxOptions {
  /** What stands within `http { }`: upstreams, and a server that listens at this port of 127.0.0.1. */
  readonly http: (port: number) => string;
}

/** What `NGINX_PATH` names, or where Debian puts it: it isn't on everybody's `PATH`. */
const BINARY = process.env.NGINX_PATH ?? "/usr/sbin/nginx";
const LOOK_EVERY_MS = 10;

/** Why there is no nginx to be had; `undefined` if there is one. In CI that is an error, not a reason to skip. */
export const NGINX_MISSING: string | undefined = missing();

function missing(): string | undefined {
  try {
    execFileSync(BINARY, ["-v"], { stdio: "ignore" });
    return undefined;
  } catch {
    const reason = `${BINARY} is missing: install nginx, or set NGINX_PATH`;
    if (process.env.CI) throw new Error(reason);
    return reason;
  }
}

/** What has to go when this process does: a test that is killed leaves neither a server nor a folder. */
const leftovers = new Set<() => void>();
process.once("exit", () => {
  for (const clean of leftovers) clean();
});

/**
 * Starts nginx with a configuration and temporary files of its own. Resolves when it listens.
 *
 * @throws what nginx says of a configuration that it refuses.
 */
export async function startNginx({ http }: NginxOptions): Promise<Nginx> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "progress-nginx-"));
  mkdirSync(join(folder, "temp"));
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configuration(folder, http(port)));
  const child = spawn(BINARY, ["-e", "stderr", "-p", folder, "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const gone = untilGone(child);
  const clean = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  leftovers.add(clean);

  async function stop(): Promise<void> {
    child.kill("SIGKILL");
    await gone;
    clean();
    leftovers.delete(clean);
  }

  try {
    await untilListening(port, gone);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** One process without a master: killing it leaves none behind. */
function configuration(folder: string, http: string): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (sort) => `${sort}_temp_path ${join(folder, "temp", sort)};`,
  );
  return `
daemon off;
master_process off;
pid ${join(folder, "nginx.pid")};
error_log stderr warn;
events { worker_connections 4096; }
http {
access_log off;
${temp.join("\n")}
${http}
}
`;
}

/** A port of 127.0.0.1 at which nobody listens now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Resolves with what it said. */
function untilGone(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", () => resolve(said));
  });
}

/** Nginx does not tell when it listens: it is asked until it does. */
async function untilListening(port: number, gone: Promise<string>): Promise<void> {
  let end: string | undefined;
  const ended = gone.then((said) => {
    end = said;
  });
  while (end === undefined) {
    if (await answers(port)) return;
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
  }
  throw new Error(`nginx did not start: ${end}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
