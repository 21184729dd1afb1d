import { once } from "node:events";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";

/** What the writer is told. */
export interface WriterOrders {
  readonly file: string;
  readonly jobId: string;
}

/** What the writer says: each write, once it is acknowledged. */
export interface WriterSaid {
  readonly n: number;
  readonly cursor: string;
}

/** Big enough for the log to be copied into the file again and again: a kill may come in the middle of that too. */
const BALLAST = "x".repeat(20_000);

/** Writes for ever: each write sets a count, and appends it to the log. */
const { file, jobId } = JSON.parse(process.argv[2] ?? "") as WriterOrders;
const store = sqliteStore({ database: new Database(file) });
await store.create({ id: jobId, set: { kind: "video", status: "running", attempt: 1 } });

for (let n = 1; ; n += 1) {
  const cursor = await store.write(jobId, {
    set: { "metadata.n": n, "metadata.ballast": `${BALLAST}${n}` },
    log: [{ at: Date.now(), level: "info", text: String(n) }],
  });
  // Handed to the system before the next write begins: what was said is heard, even if this process is killed right after.
  if (process.send?.({ n, cursor } satisfies WriterSaid) === false) await once(process, "drain");
}
