import type { NodeExchange } from "./node-exchange.js";

/** Bun ends a response that was silent for this long, unless the app sets another limit. */
const BUN_DEFAULT_LIMIT_MS = 10_000;
/** The longest limit that Bun knows. */
const BUN_MAX_LIMIT_MS = 255_000;

/** A request as a fetch handler gets it, with the framework's own request if the app passed it on. */
export interface FetchCall {
  readonly request: Request;
  /** The second argument of the handler. */
  readonly context: unknown;
  /** The request of the framework. */
  readonly raw: unknown;
}

/**
 * The request and response of Node below a fetch handler. They show a connection that has died before the runtime has
 * read the body, which no `Request` does.
 *
 * @returns `undefined` if the runtime is not built on them or does not show them.
 */
export function nodeExchangeOf({ request, context, raw }: FetchCall): NodeExchange | undefined {
  // In this order: srvx (h3 2, Nitro 3), Hono's context, the event of h3 1, and a handler of @hono/node-server.
  const srvx = property(request, "runtime", "node");
  const hono = property(raw, "env");
  const h3 = property(raw, "node");
  return (
    exchangeOf(property(srvx, "req"), property(srvx, "res")) ??
    exchangeOf(property(hono, "incoming"), property(hono, "outgoing")) ??
    exchangeOf(property(h3, "req"), property(h3, "res")) ??
    exchangeOf(property(context, "incoming"), property(context, "outgoing"))
  );
}

/**
 * Milliseconds of silence after which the runtime cuts the response; `undefined` for never. In Bun it raises the limit
 * of this request if it finds the server.
 */
export function maxSilenceMsOf({ request, context, raw }: FetchCall): number | undefined {
  if (!isBun()) return undefined;
  // In this order: the handler of Bun, Hono's context, and srvx.
  const servers = [context, property(raw, "env"), property(request, "runtime", "bun", "server")];
  for (const server of servers) {
    if (typeof property(server, "timeout") !== "function") continue;
    (server as BunServer).timeout(request, BUN_MAX_LIMIT_MS / 1000);
    return BUN_MAX_LIMIT_MS;
  }
  return BUN_DEFAULT_LIMIT_MS;
}

/** Whether this process runs in Bun. */
export function isBun(): boolean {
  return "Bun" in globalThis;
}

interface BunServer {
  timeout(request: Request, seconds: number): void;
}

function exchangeOf(req: unknown, res: unknown): NodeExchange | undefined {
  const isNode = typeof property(res, "setHeader") === "function" && property(req, "headers");
  return isNode ? ({ req, res } as NodeExchange) : undefined;
}

/** A property, or one of a property, of a value of unknown type. */
function property(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) found = (found as Record<string, unknown> | null | undefined)?.[name];
  return found;
}
