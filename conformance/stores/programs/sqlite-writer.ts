import { once } from "node:events";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";

/** The argument of the writer, as JSON. */
export interface WriterOrders {
  readonly file: string;
  readonly jobId: string;
}

/** The message of the writer after each acknowledged write. */
export interface WriterSaid {
  readonly n: number;
  readonly cursor: string;
}

/** Large enough that SQLite copies its log into the file many times. A kill may interrupt that too. */
const BALLAST = "x".repeat(20_000);

/** Writes until it is killed. Each write sets a count and appends it to the log. */
const { file, jobId } = JSON.parse(process.argv[2] ?? "") as WriterOrders;
const store = sqliteStore({ database: new Database(file) });
await store.create({ id: jobId, set: { kind: "video", status: "running", attempt: 1 } });

for (let n = 1; ; n += 1) {
  const { cursor } = await store.write(jobId, {
    set: { "metadata.n": n, "metadata.ballast": `${BALLAST}${n}` },
    log: [{ at: Date.now(), level: "info", text: String(n) }],
  });
  // The message is passed to the operating system before the next write, so the test gets it even if this process is
  // killed then.
  if (process.send?.({ n, cursor } satisfies WriterSaid) === false) await once(process, "drain");
}
