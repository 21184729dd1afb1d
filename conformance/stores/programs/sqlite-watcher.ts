import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";

/** The argument of the watcher, as JSON. */
export interface WatcherOrders {
  readonly file: string;
  readonly jobId: string;
}

/**
 * The messages of the watcher: that it watches; then, after each wake, the value that it read and when, in ms since the
 * epoch.
 */
export type WatcherSaid =
  | { readonly kind: "watching" }
  | { readonly kind: "read"; readonly percent: unknown; readonly at: number };

const say = (said: WatcherSaid): void => void process.send?.(said);

const { file, jobId } = JSON.parse(process.argv[2] ?? "") as WatcherOrders;
const store = sqliteStore({ database: new Database(file) });
await store.watch({ jobId }, () => {
  void store.read(jobId).then((delta) => {
    const at = performance.timeOrigin + performance.now();
    say({ kind: "read", percent: delta?.set.percent, at });
  });
});
say({ kind: "watching" });
// The store's timer does not keep the process alive; the channel to the test does.
process.on("message", () => {});
