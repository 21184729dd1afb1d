import { fileURLToPath } from "node:url";
import type { StudioOptions } from "./app.js";

/** A setting that can't be meant. Its message is for whoever started the studio. */
class WrongSetting extends Error {
  override readonly name: string = "WrongSetting";
}

/**
 * Reads the settings: `PORT`, `HOST` and `STUDIO_DATA`.
 *
 * @throws {@link WrongSetting}, naming the variable and its value.
 */
export function settingsFrom(
  env: NodeJS.ProcessEnv,
): Pick<StudioOptions, "port" | "host" | "dataDir"> {
  const { PORT, HOST, STUDIO_DATA } = env;
  const port = PORT === undefined || PORT === "" ? 3000 : Number(PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new WrongSetting(`PORT is ${JSON.stringify(PORT)}; it must be a number from 0 to 65535.`);
  const dataDir = STUDIO_DATA || fileURLToPath(new URL("../data/", import.meta.url));
  return { port, host: HOST || undefined, dataDir };
}

/** What to do about an error of starting, if that is known. */
export function remedyFor(error: unknown, port: number): string | undefined {
  if (error instanceof WrongSetting) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return `Port ${port} is taken. Stop the program that uses it, or choose another one: PORT=${port + 1} npm start`;
  if (code === "EACCES" && port < 1024)
    return `Port ${port} is for privileged programs. Choose one from 1024: PORT=3000 npm start`;
  return undefined;
}
