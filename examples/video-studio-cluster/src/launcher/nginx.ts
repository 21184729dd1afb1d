import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Child, startProgram } from "./child.js";
import { isListening } from "./ports.js";

/** What {@link launchNginx} takes. */
export interface NginxOptions {
  /** The configuration that real machines use, but for its addresses. */
  readonly conf: URL;
  /** A directory for its files. */
  readonly folder: string;
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** The web processes behind it, such as `127.0.0.1:3001`. */
  readonly servers: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** Starts `/usr/sbin/nginx`, or the one that `NGINX_PATH` names, before the web processes. */
export async function launchNginx(options: NginxOptions): Promise<Child> {
  const { conf, folder, env, onLine, port } = options;
  await mkdir(join(folder, "temp"));
  const file = join(folder, "nginx.conf");
  const studio = withAddresses(await readFile(conf, "utf8"), options);
  await writeFile(file, configuration(folder, studio));
  return startProgram({
    name: "nginx",
    command: env.NGINX_PATH ?? "/usr/sbin/nginx",
    args: ["-e", "stderr", "-p", folder, "-c", file],
    env,
    onLine,
    isReady: () => isListening(port),
  });
}

/** Puts the addresses of this run in place of those that stand in the file. */
export function withAddresses(
  conf: string,
  { host, port, servers }: Pick<NginxOptions, "host" | "port" | "servers">,
): string {
  const lines = conf.split("\n");
  const first = lines.find((line) => line.includes("server 127.0.0.1:3001"));
  if (first === undefined) throw new Error("studio.conf names no server at 127.0.0.1:3001.");
  const named = servers.map((server) => first.replace("127.0.0.1:3001", server)).join("\n");
  return lines
    .filter((line) => !line.includes("server 127.0.0.1:3002"))
    .join("\n")
    .replace(first, named)
    .replace("listen 3000;", `listen ${host}:${port};`);
}

/** What stands around it: one process without a master, so that it runs as whoever started it, and none is left behind. */
function configuration(folder: string, http: string): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (sort) => `${sort}_temp_path ${join(folder, "temp", sort)};`,
  );
  return `daemon off;
master_process off;
pid ${join(folder, "nginx.pid")};
error_log stderr crit;
events { worker_connections 4096; }
http {
access_log off;
default_type application/octet-stream;
${temp.join("\n")}
${http}
}
`;
}
