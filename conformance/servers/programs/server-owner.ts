import { spawn } from "node:child_process";
import { serverFolder } from "../server-folder.js";

/** The message of the owner: that its server runs. */
export interface OwnerSaid {
  readonly folder: string;
  readonly pid: number | undefined;
}

const folder = serverFolder("owner");
const server = spawn("sleep", ["600"], { cwd: folder.path, stdio: "ignore" });
folder.guard(server);
process.send?.({ folder: folder.path, pid: server.pid } satisfies OwnerSaid);
