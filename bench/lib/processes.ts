import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { fileURLToPath } from "node:url";

/** A program of `bench/programs` in a process of its own. */
export interface Running {
  readonly child: ChildProcess;
  /** The next message that meets a condition. */
  next<Said>(condition: (said: Said) => boolean): Promise<Said>;
  /** Asks it to end, and resolves when it has. */
  end(): Promise<void>;
}

/** Starts a program, compiled beside this one. */
export function start(program: string, args: unknown): Running {
  const file = fileURLToPath(new URL(`./${program}.mjs`, import.meta.url));
  const child = fork(file, [JSON.stringify(args)], { execArgv: ["--expose-gc"] });
  const ended = once(child, "exit");
  return {
    child,
    next: <Said>(condition: (said: Said) => boolean) =>
      new Promise<Said>((resolve, reject) => {
        const look = (said: unknown): void => {
          if (!condition(said as Said)) return;
          child.off("message", look);
          resolve(said as Said);
        };
        child.on("message", look);
        ended.then(() => reject(new Error(`${program} ended too early`)));
      }),
    async end() {
      // It may have ended by itself.
      if (child.connected) child.send("end", () => {});
      await ended;
    },
  };
}

/** Starts a web process, and tells its port. */
export async function startWeb(
  place: unknown,
  sweeps = false,
): Promise<Running & { port: number }> {
  const web = start("web", { place, sweeps });
  const { port } = await web.next<{ port: number }>((said) => said.port !== undefined);
  return { ...web, port };
}

/** Opens a stream, and hears each piece of text that comes. Resolves with its first bytes; rejects if it isn't one. */
export function openStream(
  port: number,
  jobId: string,
  hear: (text: string) => void,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      {
        port,
        host: "127.0.0.1",
        path: `/progress/${jobId}`,
        headers: { accept: "text/event-stream" },
        agent: false,
      },
      (response) => {
        if (response.statusCode !== 200)
          reject(new Error(`The stream was answered ${response.statusCode}`));
        response.setEncoding("utf8").on("data", (text: string) => {
          hear(text);
          resolve(() => request.destroy());
        });
        response.on("error", () => {});
      },
    );
    request.on("error", reject);
  });
}

/** The same clock in each process of a machine, finer than a millisecond. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
