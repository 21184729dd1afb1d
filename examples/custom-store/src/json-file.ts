import { readFile, rename, writeFile } from "node:fs/promises";
import { ProgressError } from "@emlinh/progress-server";

/** Reads the items of a file. A missing file has none. */
export async function loadItems<Item>(path: string): Promise<readonly Item[]> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw unavailable(`"${path}" can't be read.`, cause);
  }
}

/** Writes all items to the file or none: the rename replaces the whole file atomically. */
export async function saveItems(path: string, items: Iterable<unknown>): Promise<void> {
  try {
    await writeFile(`${path}.new`, JSON.stringify([...items]));
    await rename(`${path}.new`, path);
  } catch (cause) {
    throw unavailable(`"${path}" can't be written.`, cause);
  }
}

function unavailable(message: string, cause: unknown): ProgressError {
  return new ProgressError("store-unavailable", { message, cause, retryable: true, status: 503 });
}
