import type { Answer, BodyAnswer, RequestFacts } from "../core/http/types.js";
import { type ExchangeLife, untilTurn, watchExchange } from "./exchange-life.js";
import { readFetchBody } from "./fetch-body.js";
import { type FetchCall, maxSilenceMsOf, nodeExchangeOf } from "./fetch-runtime.js";
import { frameStream } from "./frame-stream.js";
import { discardStream } from "./guarded-subscription.js";
import type { Target } from "./mount.js";
import { ignoreErrors, type NodeExchange } from "./node-exchange.js";
import type { ProgressHandler } from "./progress-handler.js";
import { limitStall } from "./stall-limit.js";
import { keepOpen } from "./write-stream.js";

/** Asks the core, and makes a `Response` of its answer. */
export async function answerFetch(
  progress: ProgressHandler,
  call: FetchCall,
  target: Target,
): Promise<Response> {
  const { request } = call;
  const exchange = nodeExchangeOf(call);
  if (exchange) ignoreErrors(exchange);
  const life = exchange && watchExchange(exchange);
  if (exchange && life && !(await untilTurn(exchange, life))) return nobodyWaits();
  const facts = fetchFacts(call, target, life);
  const answer = await progress.handle(facts);
  life?.answered();
  return respond({ request, signal: facts.signal, exchange }, answer);
}

function fetchFacts(call: FetchCall, target: Target, life: ExchangeLife | undefined): RequestFacts {
  const { request, raw } = call;
  return {
    method: request.method.toUpperCase(),
    ...target,
    header: (name) => headerOf(request, name),
    raw,
    connection: life?.connection,
    maxSilenceMs: maxSilenceMsOf(call),
    body: (limits) => readFetchBody(request, limits),
    signal: life ? AbortSignal.any([request.signal, life.signal]) : request.signal,
  };
}

function headerOf({ headers, url }: Request, name: string): string | undefined {
  // Over HTTP/2 there is no `host` header, and its value is only in the URL.
  return headers.get(name) ?? (name.toLowerCase() === "host" ? new URL(url).host : undefined);
}

/** A request that was answered, and where the response goes. */
interface Asked {
  readonly request: Request;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  readonly exchange?: NodeExchange | undefined;
}

/** An answer that is no stream, as a response. */
export function bodyResponse({ body, status, headers }: BodyAnswer): Response {
  return new Response(body, { status, headers });
}

function respond(asked: Asked, answer: Answer): Response {
  const { status, headers } = answer;
  return new Response(bodyOf(asked, answer), { status, headers });
}

function bodyOf(
  { request, signal, exchange }: Asked,
  answer: Answer,
): string | ReadableStream<Uint8Array> | null {
  if (answer.kind === "body") {
    if (exchange) limitStall(exchange, answer.stallMs);
    return answer.body;
  }
  if (request.method !== "HEAD") {
    if (exchange) keepOpen(exchange);
    return frameStream(answer, { signal, res: exchange?.res });
  }
  discardStream(answer);
  return null;
}

/** The response to a request whose connection has died. */
function nobodyWaits(): Response {
  return new Response(null, { status: 499 });
}
