import { progress } from "../../../lib/progress";

export const dynamic = "force-dynamic";

/** For the readiness probe of a balancer. */
export async function GET(): Promise<Response> {
  const isHealthy = await progress.healthy();
  const { streams } = progress.metrics();
  return Response.json({ isHealthy, streams }, { status: isHealthy ? 200 : 503 });
}
