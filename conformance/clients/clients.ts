import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { EventSource } from "eventsource";
import { createEventSource } from "eventsource-client";
import { createParser } from "eventsource-parser";
import { missingBinary } from "../servers/server-process.js";
import { EVENTS, type SseClient, type SseSource } from "./sse-client.js";

const ACCEPT = { accept: "text/event-stream" };
/** The pause before a client that has no reconnection of its own connects again. */
const RETRY_MS = 50;
const PYTHON_PROGRAM = fileURLToPath(new URL("programs/follow.py", import.meta.url));

const eventSource: SseClient = {
  name: "eventsource",
  sendsCursors: false,
  setsHeaders: true,
  async open({ url, headers, onEvent, onFault }) {
    const source = new EventSource(url(), {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    });
    for (const name of EVENTS)
      source.addEventListener(name, ({ type, data, lastEventId }) =>
        onEvent({ event: type, data, id: lastEventId }),
      );
    source.addEventListener("error", ({ message }) => {
      if (source.readyState === source.CLOSED) onFault(`eventsource gave up: ${message}`);
    });
    return async () => source.close();
  },
};

const eventSourceClient: SseClient = {
  name: "eventsource-client",
  sendsCursors: false,
  setsHeaders: true,
  async open({ url, headers, onEvent }) {
    const source = createEventSource({
      url: url(),
      headers: { ...headers },
      onMessage: ({ event = "message", data, id }) => onEvent({ event, data, id }),
    });
    return async () => source.close();
  },
};

/** A client whose program knows one connection only, and is run again for each. */
function reconnecting(
  name: string,
  connect: (source: SseSource, signal: AbortSignal) => Promise<void>,
  missing?: string,
): SseClient {
  return {
    name,
    missing,
    sendsCursors: true,
    setsHeaders: true,
    async open(source) {
      const stop = new AbortController();
      const stopped = (async () => {
        while (!stop.signal.aborted) {
          await connect(source, stop.signal).catch((error: unknown) => {
            source.onFault(String(error));
            stop.abort();
          });
          await delay(RETRY_MS);
        }
      })();
      return () => {
        stop.abort();
        return stopped;
      };
    },
  };
}

/** A decoder of one connection: the event that the end of the connection has cut is dropped with it. */
function parserFor({ onEvent, onFault }: SseSource): (text: string) => void {
  const parser = createParser({
    onEvent: ({ event = "message", data, id }) => onEvent({ event, data, id }),
    onError: (error) => onFault(String(error)),
  });
  return (text) => parser.feed(text);
}

async function connectByFetch(source: SseSource, signal: AbortSignal): Promise<void> {
  const parse = parserFor(source);
  try {
    const { status, body } = await fetch(source.url(), {
      headers: { ...ACCEPT, ...source.headers },
      signal,
    });
    if (status !== 200 || body === null) throw new Error(`fetch got the status ${status}.`);
    for await (const text of body.pipeThrough(new TextDecoderStream())) parse(text);
  } catch (error) {
    if (!signal.aborted && !wasCut(error)) throw error;
  }
}

/** Whether a `fetch` failed because its connection was cut. */
function wasCut(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return code === "UND_ERR_SOCKET" || code === "ECONNRESET";
}

async function connectByCurl(source: SseSource, signal: AbortSignal): Promise<void> {
  const headers = Object.entries({ ...ACCEPT, ...source.headers });
  const child = spawn("curl", [
    ...["--no-buffer", "--silent", "--show-error", "--fail", "--noproxy", "*"],
    ...headers.flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
    source.url(),
  ]);
  child.stdout.setEncoding("utf8").on("data", parserFor(source));
  // curl's codes for the end of an answer, for one that was cut, and for a connection that was reset.
  await untilExit(child, signal, [0, 18, 52, 56]);
}

async function connectByPython(source: SseSource, signal: AbortSignal): Promise<void> {
  const headers = JSON.stringify({ ...ACCEPT, ...source.headers });
  const child = spawn("python3", [PYTHON_PROGRAM, source.url(), headers]);
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => source.onEvent(JSON.parse(line)));
  await untilExit(child, signal, [0]);
}

/** Resolves when the process has exited. @throws if its exit code is another than one of these. */
async function untilExit(
  child: ChildProcess,
  signal: AbortSignal,
  codes: readonly number[],
): Promise<void> {
  let errors = "";
  child.stderr?.on("data", (text) => {
    errors += text;
  });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  const [code] = (await once(child, "close")) as [number | null];
  signal.removeEventListener("abort", kill);
  if (!signal.aborted && !codes.includes(code ?? -1))
    throw new Error(`${child.spawnfile} exited with ${code}: ${errors}`);
}

function missingProgram(binary: string): string | undefined {
  return missingBinary({
    binary,
    versionFlag: "--version",
    remedy: `install ${binary}`,
    isRequiredInCi: true,
  });
}

/** Every client that runs without a browser. */
export const CLIENTS: readonly SseClient[] = [
  eventSource,
  eventSourceClient,
  reconnecting("fetch and eventsource-parser", connectByFetch),
  reconnecting("curl", connectByCurl, missingProgram("curl")),
  reconnecting("urllib of Python", connectByPython, missingProgram("python3")),
];
