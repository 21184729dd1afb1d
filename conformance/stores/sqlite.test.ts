import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import {
  type MakeStore,
  type StoreCapabilities,
  storeSuite,
} from "@emlinh/progress-server/testing";
import { afterAll, describe, test } from "vitest";
import { DRIVERS, type OpenDatabase } from "./sqlite-drivers.js";
import { storeProperty } from "./store-property.js";

for (const { name, missing, open } of DRIVERS) {
  if (missing !== undefined) test.skip(`sqliteStore on ${name} (skipped: ${missing})`, () => {});
  else
    describe(`sqliteStore on ${name}`, () => {
      const folder = mkdtempSync(join(tmpdir(), "progress-sqlite-"));
      const databases: OpenDatabase[] = [];
      afterAll(() => {
        for (const database of databases) database.close();
        rmSync(folder, { recursive: true, force: true });
      });

      function connect(space: string): OpenDatabase {
        const database = open(join(folder, `${space}.db`));
        databases.push(database);
        return database;
      }

      async function emptyBackend(space: string): Promise<void> {
        const database = connect(space);
        database.exec("BEGIN IMMEDIATE");
        for (const table of [
          "meta",
          "jobs",
          "fields",
          "lines",
          "listed",
          "list_changes",
          "expectations",
        ])
          database.exec(`DELETE FROM progress_${table}`);
        database.exec("COMMIT");
      }

      const makeStore: MakeStore = ({ space, ...options }) =>
        sqliteStore({ database: connect(space), ...options });
      const capabilities: StoreCapabilities = {
        shared: true,
        durable: true,
        tombstones: true,
        clock: "injected",
        emptyBackend,
      };

      storeSuite(test, makeStore, capabilities);

      test("given random calls, answers each as a naive model does", async () => {
        await storeProperty(makeStore, capabilities);
      });
    });
}
