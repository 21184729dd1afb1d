import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SqliteDatabase } from "@emlinh/progress-server/stores/sqlite";
import Libsql from "libsql";
import { onTestFinished } from "vitest";

/** A database that a test opens and closes. */
export interface OpenDatabase extends SqliteDatabase {
  close(): unknown;
}

/** A library whose databases the store supports. */
export interface Driver {
  readonly name: string;
  /** Why its tests are skipped. */
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
      missing: `Node ${process.versions.node} has no ${name}; 22.13 and later have it`,
      open: () => {
        throw new Error(`${name} is missing.`);
      },
    };
  }
}

/** The drivers under test. */
export const DRIVERS: readonly Driver[] = [
  { name: "libsql", open: (file) => new Libsql(file) },
  nodeSqlite(),
];

/** A new folder for the current test, removed when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "progress-sqlite-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
