import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import express from "express";
import { countPrimes, sievePrimes } from "./primes.mjs";

const progress = createProgress({
  store: memoryStore(),
  authorize: allowAnyone,
  onError: console.error,
});
const plan = [
  { id: "sieve", title: "Sieve", weight: 9 },
  { id: "check", title: "Check with another algorithm", weight: 1 },
];
const app = express();
app.use("/api/progress", expressProgress(progress));
app.post("/api/primes", express.json(), async (request, response) => {
  const below = Math.min(Number(request.body?.below) || 1e6, 1e9);
  const key = request.get("idempotency-key");
  const { id, created } = await progress.create({ kind: "primes", plan, metadata: { below }, key });
  if (created) progress.run(id, (job) => count(below, job)).catch(console.error);
  response.status(202).json({ jobId: id });
});
const client = dirname(fileURLToPath(import.meta.resolve("@emlinh/progress-client")));
app.use(express.static("public"), express.static(client));

/** @type {(below: number, job: import("@emlinh/progress-server").Reporter) => Promise<{ primes: number }>} */
async function count(below, job) {
  const primes = await job.step("sieve", (step) =>
    sievePrimes(below, {
      onProgress: (done) => step.update({ done, total: below, unit: "numbers" }),
      signal: job.signal,
    }),
  );
  await job.step("check", () => assert.equal(primes, countPrimes(below)));
  return { primes };
}

const server = app.listen(process.env.PORT ?? 3000, (error) => {
  if (error) throw error;
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`Open http://localhost:${port}`);
});
process.once("SIGTERM", async () => {
  // The streams are closed first, because `server.close` waits for open connections.
  await progress.drain();
  server.close();
  await progress.close();
});
