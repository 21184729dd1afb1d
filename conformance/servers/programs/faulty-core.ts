import { once } from "node:events";
import http from "node:http";
import { nodeProgress } from "../../../packages/server/src/adapters/node.js";
import type {
  Answer,
  RequestFacts,
  Sink,
  Subscription,
} from "../../../packages/server/src/core/http/types.js";
import type { Client } from "../../../packages/server/test/adapters/support/client.js";
import { BASE, type Host, listen } from "../../../packages/server/test/adapters/support/host.js";
import { HOSTS } from "../../../packages/server/test/adapters/support/hosts.js";

/**
 * Serves progress in every way from a core that fails at every call, and asks for it. It says which errors reached the
 * process.
 */
interface Said {
  readonly requests: number;
  readonly faults: readonly string[];
}

const STREAM = { headers: { accept: "text/event-stream" } };
const faults: string[] = [];
let current = "";
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => faults.push(`${current}: ${event}: ${error}`));
}

const fail = (): never => {
  throw new RangeError("Maximum call stack size exceeded");
};
const quiet: Subscription = { drained: () => {}, closed: () => {} };

/** The core fails in one call, which the path of the request names. */
const FAULTS: Readonly<Record<string, (sink: Sink) => Subscription>> = {
  subscribe: fail,
  "subscribe-later": (sink) => {
    sink.write(new TextEncoder().encode("event: hello\ndata: {}\n\n"));
    return fail();
  },
  drained: (sink) => {
    fill(sink);
    return { ...quiet, drained: fail };
  },
  closed: (sink) => {
    sink.write(new TextEncoder().encode("event: hello\ndata: {}\n\n"));
    sink.end();
    return { ...quiet, closed: fail };
  },
  "closed-by-client": (sink) => {
    sink.write(new TextEncoder().encode("event: hello\ndata: {}\n\n"));
    return { ...quiet, closed: fail };
  },
};

function fill(sink: Sink): void {
  // A sink that takes no bytes anywhere is never full.
  for (let writes = 0; writes < 100 && sink.write(new Uint8Array(100_000)); writes += 1);
}

const core = {
  async handle({ path }: RequestFacts): Promise<Answer> {
    if (path === "/handle") return fail();
    const headers = { "content-type": "text/event-stream", vary: "Accept" };
    return { kind: "stream", status: 200, headers, subscribe: FAULTS[path.slice(1)] ?? fail };
  },
  drain: async () => {},
};

/** Servers whose own code has begun the response, or fails in `next`. */
const OTHERS: Readonly<Record<string, () => http.RequestListener>> = {
  "begun, without next": () => {
    const progress = nodeProgress(core, { base: BASE });
    return (request, response) => {
      response.write("begun");
      progress(request, response);
    };
  },
  "begun, with a next that throws": () => {
    const progress = nodeProgress(core);
    return (request, response) => {
      response.write("begun");
      progress(request, response, fail);
    };
  },
  "begun, with a next that rejects": () => {
    const progress = nodeProgress(core);
    return (request, response) => {
      response.write("begun");
      progress(request, response, async () => fail());
    };
  },
  "begun while the core is asked": () => (request, response) => {
    const handle = async (): Promise<Answer> => {
      response.write("begun");
      return { kind: "body", status: 500, headers: { vary: "Accept" }, body: "{}" };
    };
    nodeProgress({ handle })(request, response);
  },
};

let requests = 0;

/** Asks, reads what comes, and leaves. Every fault of the server is expected here. */
async function ask(client: Client, path: string): Promise<void> {
  requests += 1;
  try {
    const reply = await client.ask(path, STREAM);
    if (path.endsWith("-by-client")) {
      await reply.frame();
      reply.abort();
      await reply.gone;
    } else await reply.text();
  } catch {
    // The server cut the connection.
  }
}

async function attack(name: string, host: Host, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    current = `${name} ${path}`;
    const client = host.connect();
    await ask(client, path);
    const head = client.send(path, { ...STREAM, method: "HEAD" });
    const left = client.send(path, STREAM);
    head.abort();
    left.abort();
    await Promise.all([head.gone, left.gone]);
    client.close();
    // Errors of promises are told after the microtasks of a turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  host.client.close();
}

// Express prints errors that no handler of the app takes.
process.env.NODE_ENV = "test";
console.error = () => {};
for (const [name, start] of Object.entries(HOSTS)) {
  const paths = ["handle", ...Object.keys(FAULTS)].map((fault) => `${BASE}/${fault}`);
  await attack(name, await start(core), [...paths, "/elsewhere"]);
}
for (const [name, listener] of Object.entries(OTHERS)) {
  const server = http.createServer(listener());
  await attack(name, await listen(server), ["/elsewhere", `${BASE}/closed`]);
}
process.send?.({ requests, faults } satisfies Said);
await once(process, "disconnect");
