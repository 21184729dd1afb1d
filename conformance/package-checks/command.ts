import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at its end. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** Where the tools of the workspace are. */
export const bin: string = `${root}node_modules/.bin/`;

/**
 * Runs a command to its end.
 *
 * @returns What it printed.
 * @throws With all that it printed, if it exits with anything but 0.
 */
export async function run(command: string, args: readonly string[], cwd = root): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return output;
  throw new Error(`\`${[command.replace(bin, ""), ...args].join(" ")}\` exited ${code}\n${output}`);
}
