import http from "node:http";
import type { AddressInfo } from "node:net";
import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { openStore, type StorePlace } from "../../conformance/stores/open-store.js";

// A web process. It only serves streams of jobs that other processes work on.
const { address, sweeps } = JSON.parse(process.argv[2] ?? "") as {
  address: StorePlace;
  sweeps: boolean;
};
const { store, close } = await openStore(address);
const progress = createProgress({
  store,
  authorize: allowAnyone,
  maxStreams: Number.POSITIVE_INFINITY,
  ...(!sweeps && { sweepIntervalMs: false }),
});
const server = http.createServer(nodeProgress(progress, { base: "/progress" }));
server.listen(0, "127.0.0.1", () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);

// The benchmark has ended.
process.on("disconnect", () => process.exit());
process.on("message", async (message) => {
  if (message === "usage") {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ rss, heapUsed, cpu: process.cpuUsage(), streams: progress.metrics().slots });
    return;
  }
  server.closeAllConnections();
  server.close();
  await progress.close();
  await close();
  process.disconnect();
});
