import { pathOf } from "../fan-out/contender.js";
import { closeReader, openReader } from "../fan-out/readers.js";
import { type BenchServer, startServer } from "../fan-out/server.js";
import { median } from "../figures.js";

/** What a reader that joins a job gets. */
export interface Join {
  readonly updates: number;
  /** Bytes until the first snapshot is complete, with the head of the response. */
  readonly bytes: number;
  /** Milliseconds from the connect until then. */
  readonly ms: number;
}

/** Joins jobs after different numbers of updates, in turns. The figures are medians. */
export async function measureJoins(
  updates: readonly number[],
  joins: number,
): Promise<readonly Join[]> {
  const server = await startServer({ contender: "node", topics: updates.length });
  try {
    for (const [topic, count] of updates.entries()) await server.ask({ history: { topic, count } });
    const samples = updates.map((): Omit<Join, "updates">[] => []);
    for (let count = 0; count < joins; count += 1)
      for (const [topic, own] of samples.entries()) own.push(await join(server, topic));
    return updates.map((count, topic) => ({
      updates: count,
      bytes: median((samples[topic] ?? []).map(({ bytes }) => bytes)),
      ms: median((samples[topic] ?? []).map(({ ms }) => ms)),
    }));
  } finally {
    await server.end();
  }
}

function join({ port }: BenchServer, topic: number): Promise<Omit<Join, "updates">> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const reader = openReader({
      port,
      path: pathOf(topic),
      onOpen: () => {},
      onEvent() {
        resolve({ bytes: reader.bytes, ms: performance.now() - begun });
        closeReader(reader);
      },
    });
  });
}
