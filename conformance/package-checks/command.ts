import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The root of the repository, with a trailing slash. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** The folder of the workspace's tools, with a trailing slash. */
export const bin: string = `${root}node_modules/.bin/`;

/**
 * Runs a command.
 *
 * @returns Its output.
 * @throws If it exits with a code other than 0. The message contains the output.
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
