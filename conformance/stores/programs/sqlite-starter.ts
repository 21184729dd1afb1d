import { once } from "node:events";
import { isProgressError } from "@emlinh/progress-server";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";

/** The argument of the starter, as JSON. */
export interface StarterOrders {
  /** Files that do not exist yet. */
  readonly files: readonly string[];
  readonly name: string;
}

/** The messages of the starter: it waits for a message, then sends the outcome for each file. */
export type StarterSaid =
  | { readonly kind: "waiting" }
  | { readonly kind: "done"; readonly outcomes: readonly string[] };

const say = (said: StarterSaid): void => void process.send?.(said);

/** Opens the new files in order, at the same time as another process, and creates a job in each. */
const { files, name } = JSON.parse(process.argv[2] ?? "") as StarterOrders;
say({ kind: "waiting" });
await once(process, "message");
const outcomes: string[] = [];
for (const file of files) {
  const store = sqliteStore({ database: new Database(file) });
  const set = { kind: "video", status: "queued", attempt: 1 };
  outcomes.push(
    await store.create({ id: name, key: "one", set }).then(
      ({ created }) => (created ? "created" : "known"),
      (error: unknown) => (isProgressError(error) ? error.code : String(error)),
    ),
  );
  await store.close();
}
say({ kind: "done", outcomes });
process.disconnect?.();
