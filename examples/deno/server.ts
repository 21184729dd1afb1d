import { setTimeout } from "node:timers/promises";
import { allowAnyone, createProgress, memoryStore, type Reporter } from "@emlinh/progress-server";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";

const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
const serveProgress = fetchProgress(progress, { base: "/api/progress" });

const server = Deno.serve(
  {
    port: Number(Deno.env.get("PORT") ?? 3000),
    onListen: ({ port }) => console.log(`Open http://localhost:${port}`),
  },
  (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/metrics") return Response.json(progress.metrics());
    if (pathname === "/api/countdowns" && request.method === "POST") return startCountdown(request);
    return serveProgress(request);
  },
);

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

Deno.addSignalListener("SIGTERM", async () => {
  // The streams are closed first, because `shutdown` waits for open requests.
  await progress.drain();
  await server.shutdown();
  await progress.close();
  Deno.exit();
});
