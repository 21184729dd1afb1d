import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { serverFolder } from "./server-folder.js";
import { freePort, missingBinary } from "./server-process.js";

/**
 * An nginx in front of a test's servers, on the loopback interface. It ends at the latest with the process that
 * started it.
 */
export interface Nginx {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Resolves when the process has exited. Its files are deleted soon. Idempotent. */
  stop(): Promise<void>;
}

/** The options of {@link startNginx}. */
export interface NginxOptions {
  /** Returns the content of `http { }`: upstreams, and a server that listens on this port of 127.0.0.1. */
  readonly http: (port: number) => string;
}

/** The value of `NGINX_PATH`, or where Debian installs nginx, which is not on the `PATH` of every user. */
const BINARY = process.env.NGINX_PATH ?? "/usr/sbin/nginx";
const POLL_MS = 10;

/**
 * The reason why no nginx is available; `undefined` if one is. In CI a missing nginx is an error, not a reason to
 * skip.
 */
export const NGINX_MISSING: string | undefined = missingBinary({
  binary: BINARY,
  versionFlag: "-v",
  remedy: "install nginx, or set NGINX_PATH",
  isRequiredInCi: true,
});

/**
 * Starts nginx with its own configuration and temporary files. Resolves when it accepts connections.
 *
 * @throws an error with nginx's own message if it refuses the configuration.
 */
export async function startNginx({ http }: NginxOptions): Promise<Nginx> {
  const port = await freePort();
  const { path: folder, guard, remove } = serverFolder("nginx");
  mkdirSync(join(folder, "temp"));
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configuration(folder, http(port)));
  const child = spawn(BINARY, ["-e", "stderr", "-p", folder, "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = untilExit(child);
  guard(child);

  async function stop(): Promise<void> {
    child.kill("SIGKILL");
    await exited;
    remove();
  }

  try {
    await untilListening(port, exited);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** One process without a master process, so that killing it leaves no other. */
function configuration(folder: string, http: string): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, "temp", kind)};`,
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

/** Resolves with the output on stderr once the process has exited. */
function untilExit(child: ChildProcess): Promise<string> {
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", () => resolve(output));
  });
}

/** nginx does not report when it listens, so this connects until it succeeds. */
async function untilListening(port: number, exited: Promise<string>): Promise<void> {
  let output: string | undefined;
  const ended = exited.then((text) => {
    output = text;
  });
  while (output === undefined) {
    if (await accepts(port)) return;
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
  }
  throw new Error(`nginx did not start: ${output}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
