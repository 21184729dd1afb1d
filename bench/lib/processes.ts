import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { fileURLToPath } from "node:url";

/** A program of `bench/programs` that runs in a process of its own. */
export interface Program {
  readonly child: ChildProcess;
  /** Resolves with the next message that meets the condition. Rejects if the program ends before that. */
  next<Message>(condition: (message: Message) => boolean): Promise<Message>;
  /** Asks the program to end, and resolves when it has ended. */
  end(): Promise<void>;
}

/** How Node is started. */
interface NodeCommand {
  /** A command that runs Node, which `execArgv` names then. */
  readonly execPath?: string;
  readonly execArgv: readonly string[];
}

/** Starts a program. It was compiled into the folder of this module. */
export function startProgram(
  name: string,
  args: unknown,
  { execArgv, ...command }: NodeCommand = { execArgv: [] },
): Program {
  const file = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
  const child = fork(file, [JSON.stringify(args)], {
    ...command,
    execArgv: [...execArgv, "--expose-gc"],
  });
  const ended = once(child, "exit");
  return {
    child,
    next: <Message>(condition: (message: Message) => boolean) =>
      new Promise<Message>((resolve, reject) => {
        const look = (message: unknown): void => {
          if (!condition(message as Message)) return;
          child.off("message", look);
          resolve(message as Message);
        };
        child.on("message", look);
        ended.then(() => reject(new Error(`The program ${name} ended too early.`)));
      }),
    async end() {
      // The callback ignores the error for a program that has ended already.
      if (child.connected) child.send("end", () => {});
      await ended;
    },
  };
}

/** Starts a web process, and resolves when it listens on `port`. */
export async function startWeb(
  address: unknown,
  sweeps = false,
): Promise<Program & { port: number }> {
  const web = startProgram("web", { address, sweeps });
  const { port } = await web.next<{ port: number }>((message) => message.port !== undefined);
  return { ...web, port };
}

/**
 * Opens a stream and calls `onText` with each piece of text that arrives.
 *
 * @returns a function that closes the stream. Resolves at the first text; rejects if the answer is not a stream.
 */
export function openStream(
  port: number,
  jobId: string,
  onText: (text: string) => void,
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
          reject(new Error(`Expected a stream of the job ${jobId}, got ${response.statusCode}.`));
        response.setEncoding("utf8").on("data", (text: string) => {
          onText(text);
          resolve(() => request.destroy());
        });
        response.on("error", () => {});
      },
    );
    request.on("error", reject);
  });
}
