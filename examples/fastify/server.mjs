import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { fastifyProgress } from "@emlinh/progress-server/adapters/fastify";
import fastifyStatic from "@fastify/static";
import { fastify } from "fastify";
import { hashFile, inTemporaryFile, writeFile } from "./file.mjs";

const progress = createProgress({
  store: memoryStore(),
  authorize: allowAnyone,
  onError: console.error,
});
const plan = [
  { id: "write", title: "Write", weight: 2 },
  { id: "hash", title: "Hash", weight: 1 },
];
const megabytes = { type: "integer", minimum: 1, maximum: 4096 };
const body = { type: "object", properties: { megabytes }, required: ["megabytes"] };
const app = fastify();
app.register(fastifyProgress, { prefix: "/api/progress", progress });
app.post("/api/files", { schema: { body } }, async (request, reply) => {
  const { megabytes } = /** @type {{ megabytes: number }} */ (request.body);
  const key = request.headers["idempotency-key"]?.toString();
  const { id, created } = await progress.create({ kind: "file", plan, key });
  if (created) progress.run(id, (job) => makeFile(megabytes * 2 ** 20, job)).catch(console.error);
  return reply.code(202).send({ jobId: id });
});
const client = dirname(fileURLToPath(import.meta.resolve("@emlinh/progress-client")));
app.register(fastifyStatic, { root: [join(import.meta.dirname, "public"), client] });

/**
 * @param {number} bytes
 * @param {import("@emlinh/progress-server").Reporter} job
 */
async function makeFile(bytes, job) {
  return inTemporaryFile(async (path) => {
    const { signal } = job;
    await job.step("write", (step) =>
      writeFile(path, {
        bytes,
        onProgress: (done) => step.update({ done, total: bytes, unit: "bytes" }),
        signal,
      }),
    );
    const sha256 = await job.step("hash", (step) =>
      hashFile(path, {
        onProgress: (done) => step.update({ done, total: bytes, unit: "bytes" }),
        signal,
      }),
    );
    return { bytes, sha256 };
  });
}

console.log(`Open ${await app.listen({ port: Number(process.env.PORT ?? 3000) })}`);
process.once("SIGTERM", async () => {
  // The plugin drains the progress first, because `close` waits for open connections.
  await app.close();
  await progress.close();
});
