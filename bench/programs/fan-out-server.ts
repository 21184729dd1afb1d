import type { Socket } from "node:net";
import { plain, socket } from "../lib/fan-out/by-hand.js";
import { type Contender, listen } from "../lib/fan-out/contender.js";
import { type OURS, type OurContender, ours } from "../lib/fan-out/ours.js";
import { betterSse, fastifySse } from "../lib/fan-out/peers.js";
import { createPublisher } from "../lib/fan-out/publisher.js";
import type { Answer, Question, ServerOptions } from "../lib/fan-out/server.js";

// A server that publishes events to its own readers, as the benchmark asks it to.
const options = JSON.parse(process.argv[2] ?? "") as ServerOptions;
const contender = await make(options);
const sockets = new Set<Socket>();
contender.server.on("connection", (one: Socket) => {
  sockets.add(one);
  one.once("close", () => sockets.delete(one));
  // A reader that the benchmark has reset.
  one.on("error", () => {});
});
const publisher = createPublisher(contender, sockets);

async function make({
  contender,
  topics,
  peers = "",
}: ServerOptions): Promise<Contender | OurContender> {
  switch (contender) {
    case "plain":
      return plain();
    case "socket":
      return socket();
    case "better-sse":
      return betterSse(peers);
    case "@fastify/sse":
      return fastifySse(peers);
    default:
      return ours(contender as keyof typeof OURS, topics);
  }
}

async function answer(question: Question): Promise<Answer> {
  if ("progress" in contender) await changeList(contender, question);
  if (question.history) await publisher.publish(question.history);
  if (question.start) publisher.start(question.start);
  if (question.stop) publisher.stop();
  if (question.gc) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  return {
    id: question.id,
    cpuUs: user + system,
    sent: publisher.sent(),
    rss: process.memoryUsage.rss(),
    sockets: sockets.size,
    maxQueuedBytes: Math.max(0, ...Array.from(sockets, (one) => one.writableLength)),
  };
}

async function changeList(ours: OurContender, { create, remove }: Question): Promise<void> {
  if (create !== undefined) await ours.create(create);
  if (remove !== undefined) await ours.remove(remove);
}

process.send?.({ port: await listen(contender.server) });
process.on("disconnect", () => process.exit());
process.on("message", async (message: Question | "end") => {
  if (message === "end") process.exit();
  process.send?.(await answer(message));
});
// A write to a stream that the benchmark closed at the same moment.
process.on("unhandledRejection", (error) => {
  if (!/closed|reset|abort|premature/iu.test(String(error))) throw error;
});
