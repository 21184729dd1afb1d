import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SqliteDatabase } from "@emlinh/progress-server/stores/sqlite";
import Libsql from "libsql";
import { onTestFinished } from "vitest";

/** A database that the tests opened, and close. */
export interface OpenDatabase extends SqliteDatabase {
  close(): unknown;
}

/** One of the libraries that give a database of the shape. */
export interface Driver {
  readonly name: string;
  /** Why its tests are skipped here. */
  readonly missing?: string | undefined;
  open(file: string): OpenDatabase;
}

const load = createRequire(import.meta.url);

function nodeSqlite(): Driver {
  const name = "node:sqlite";
  try {
    const { DatabaseSync } = load(name) as { DatabaseSync: new (file: string) => OpenDatabase };
    return { name, open: (file) => new DatabaseSync(file) };
  } catch {
    return {
      name,
      missing: `Node ${process.versions.node} has none; 22.13 and later do`,
      open: () => {
        throw new Error(`${name} is missing.`);
      },
    };
  }
}

/** Every driver that this Node may have. */
export const DRIVERS: readonly Driver[] = [
  { name: "libsql", open: (file) => new Libsql(file) },
  nodeSqlite(),
];

/** A folder of its own for the test that runs, which is removed when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "progress-sqlite-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
