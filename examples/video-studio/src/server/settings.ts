import { fileURLToPath } from "node:url";
import type { StudioOptions } from "./app.js";

/** A setting with an invalid value. Its message is for the operator. */
class InvalidSetting extends Error {
  override readonly name: string = "InvalidSetting";
}

/**
 * Reads the settings: `PORT`, `HOST` and `STUDIO_DATA`.
 *
 * @throws {@link InvalidSetting}, with the name and the value of the variable.
 */
export function settingsFrom(
  env: NodeJS.ProcessEnv,
): Pick<StudioOptions, "port" | "host" | "dataDir"> {
  const { PORT, HOST, STUDIO_DATA } = env;
  const port = PORT === undefined || PORT === "" ? 3000 : Number(PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidSetting(
      `PORT is ${JSON.stringify(PORT)}; it must be a number from 0 to 65535.`,
    );
  const dataDir = STUDIO_DATA || fileURLToPath(new URL("../data/", import.meta.url));
  return { port, host: HOST || undefined, dataDir };
}

/** The remedy for an error at the start, or `undefined` if there is none. */
export function remedyFor(error: unknown, port: number): string | undefined {
  if (error instanceof InvalidSetting) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return `Port ${port} is taken. Stop the program that uses it, or choose another port: PORT=${port + 1} npm start`;
  if (code === "EACCES" && port < 1024)
    return `Port ${port} needs privileges. Choose a port from 1024: PORT=3000 npm start`;
  return undefined;
}
