import { setTimeout } from "node:timers/promises";
import { allowAnyone, createProgress, memoryStore, type Reporter } from "@emlinh/progress-server";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";

const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
const serveProgress = fetchProgress(progress, { base: "/api/progress" });

const server = Bun.serve({
  port: process.env.PORT ?? 3000,
  routes: {
    // The second argument is the server of Bun. The adapter raises the idle timeout of the request with it.
    "/api/progress/*": (request, server) => serveProgress(request, server),
    "/api/countdowns": { POST: startCountdown },
    "/metrics": () => Response.json(progress.metrics()),
  },
});

async function startCountdown(request: Request): Promise<Response> {
  const { ticks = 10, tickMs = 500 } = await request.json();
  const { id } = await progress.create({ kind: "countdown" });
  progress.run(id, (job) => countDown(job, ticks, tickMs)).catch(console.error);
  return Response.json({ jobId: id }, { status: 202 });
}

async function countDown(job: Reporter, ticks: number, tickMs: number) {
  for (let done = 1; done <= ticks; done += 1) {
    await setTimeout(tickMs, undefined, { signal: job.signal });
    job.update({ percent: (100 * done) / ticks, message: `${ticks - done} left` });
  }
  return { ticks };
}

console.log(`Open http://localhost:${server.port}`);
process.once("SIGTERM", async () => {
  // The streams are closed first, because `stop` waits for open requests.
  await progress.drain();
  await server.stop();
  await progress.close();
});
