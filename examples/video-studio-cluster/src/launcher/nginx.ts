import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Child, startProgram } from "./child.js";
import { isListening } from "./ports.js";

/** Options of {@link launchNginx}. */
export interface NginxOptions {
  /** The configuration for real machines. Only its addresses are replaced. */
  readonly conf: URL;
  /** A directory for nginx's files. */
  readonly folder: string;
  /** The address to listen on. */
  readonly host: string;
  readonly port: number;
  /** The web processes behind it, such as `127.0.0.1:3001`. */
  readonly servers: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** Starts `/usr/sbin/nginx`, or the program in `NGINX_PATH`, in front of the web processes. */
export async function launchNginx(options: NginxOptions): Promise<Child> {
  const { conf, folder, env, onLine, port } = options;
  await mkdir(join(folder, "temp"), { recursive: true });
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

/** Replaces the addresses in the file with those of this run. */
export function withAddresses(
  conf: string,
  { host, port, servers }: Pick<NginxOptions, "host" | "port" | "servers">,
): string {
  const lines = conf.split("\n");
  const first = lines.find((line) => line.includes("server 127.0.0.1:3001"));
  if (first === undefined) throw new Error("studio.conf has no server 127.0.0.1:3001.");
  const replaced = servers.map((server) => first.replace("127.0.0.1:3001", server)).join("\n");
  return lines
    .filter((line) => !line.includes("server 127.0.0.1:3002"))
    .join("\n")
    .replace(first, replaced)
    .replace("listen 3000;", `listen ${host}:${port};`);
}

/**
 * The complete configuration. Without a master, nginx is one process that runs as the user who started it, and none of
 * it is left behind.
 */
function configuration(folder: string, http: string): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, "temp", kind)};`,
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
