import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { METRICS_TYPE, metricsText } from "./metrics-text.mjs";

const progress = createProgress({
  store: memoryStore(),
  authorize: allowAnyone,
  onError: console.error,
  onStreamClose: ({ jobId, reason, durationMs }) =>
    console.log(`Stream of ${jobId} closed after ${durationMs} ms: ${reason}`),
  onJobEnd: ({ jobId, status }) => console.log(`Job ${jobId}: ${status}`),
  onRefusal: ({ code, status, action }) => console.log(`Refused ${action}: ${status} ${code}`),
});
const serveProgress = nodeProgress(progress, { base: "/api/progress" });

const server = createServer(async (request, response) => {
  if (request.url === "/metrics") {
    response.setHeader("content-type", METRICS_TYPE).end(metricsText(progress.metrics()));
  } else if (request.url === "/healthz") {
    response.writeHead((await progress.healthy()) ? 200 : 503).end();
  } else if (request.url === "/api/waits" && request.method === "POST") {
    const { id } = await progress.create({ kind: "wait" });
    progress.run(id, wait).catch(console.error);
    response.writeHead(202, { "content-type": "application/json" });
    response.end(JSON.stringify({ jobId: id }));
  } else {
    serveProgress(request, response);
  }
});

/** @param {import("@emlinh/progress-server").Reporter} job */
async function wait(job) {
  for (let percent = 0; percent < 100; percent += 20) {
    job.update({ percent });
    await setTimeout(200, undefined, { signal: job.signal });
  }
}

server.listen(process.env.PORT ?? 3000, () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`Open http://localhost:${port}`);
});
process.once("SIGTERM", async () => {
  // From now on /healthz answers 503, so the load balancer sends nobody here.
  await progress.drain();
  server.close();
  await progress.close();
});
