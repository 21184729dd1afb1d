import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";

/** The argument of the lister, as JSON. */
export interface ListerOrders {
  readonly file: string;
  readonly subject: string;
  /** The jobs that it creates when it is told `create`, each of which it removes unless its id ends with `kept`. */
  readonly jobs: readonly string[];
}

/** The messages of the lister: that it watches; after each wake, the list; and that its jobs are created. */
export type ListerSaid =
  | { readonly kind: "watching" }
  | { readonly kind: "list"; readonly jobs: string }
  | { readonly kind: "created"; readonly missed: readonly string[] };

const say = (said: ListerSaid): void => void process.send?.(said);

const { file, subject, jobs } = JSON.parse(process.argv[2] ?? "") as ListerOrders;
const store = sqliteStore({ database: new Database(file) });

async function list(): Promise<readonly string[]> {
  return (await store.list(subject, { limit: 100 })).jobs;
}

await store.watch({ subject }, () => {
  void list().then((ids) => say({ kind: "list", jobs: ids.join(" ") }));
});
say({ kind: "watching" });
// The store's timer does not keep the process alive; the channel to the test does.
process.on("message", async () => {
  const missed: string[] = [];
  for (const id of jobs) {
    const set = { kind: "video", status: "queued", attempt: 1 };
    await store.create({ id, set, subjects: [subject] });
    if (!(await list()).includes(id)) missed.push(id);
    if (!id.endsWith("kept")) await store.remove(id);
  }
  say({ kind: "created", missed });
});
