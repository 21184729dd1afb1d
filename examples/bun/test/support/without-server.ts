/** A server that does not pass the server of Bun to the adapter, so that the idle timeout of Bun stays at 10 s. */
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";

const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
const serveProgress = fetchProgress(progress, { base: "/api/progress" });

async function createSilentJob(): Promise<Response> {
  const { id } = await progress.create({ kind: "silent" });
  return Response.json({ jobId: id }, { status: 202 });
}

const server = Bun.serve({
  port: 0,
  routes: { "/api/silent": { POST: createSilentJob } },
  fetch: (request) => serveProgress(request),
});
console.log(`Open http://localhost:${server.port}`);
process.once("SIGTERM", async () => {
  await progress.drain();
  await server.stop();
  await progress.close();
});
