import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The core of the measured server. */
export const SERVER_CORE = 0;

/** The core of the process that makes the load. */
const LOAD_CORE = 1;

/** Whether processes can be bound to cores here. */
const CAN_PIN =
  availableParallelism() > 1 && spawnSync("taskset", ["-c", `${SERVER_CORE}`, "true"]).status === 0;

/** Tells how the processes are placed, for the heading of the results. */
export const PLACEMENT = CAN_PIN
  ? `server on core ${SERVER_CORE}, load on core ${LOAD_CORE}`
  : "processes not bound to cores";

/** The command that starts Node on a core, for `fork`. */
export function pinnedTo(core: number): { execPath?: string; execArgv: readonly string[] } {
  return CAN_PIN
    ? { execPath: "taskset", execArgv: ["-c", `${core}`, process.execPath] }
    : { execArgv: [] };
}

/** Binds this process, which makes the load. */
export function pinLoad(): void {
  if (CAN_PIN) spawnSync("taskset", ["-a", "-c", "-p", `${LOAD_CORE}`, `${process.pid}`]);
}
