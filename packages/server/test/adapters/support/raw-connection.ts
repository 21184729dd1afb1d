import { once } from "node:events";
import net from "node:net";

interface RawRequest {
  readonly path: string;
  /** @defaultValue JSON */
  readonly accept?: string;
}

/** A connection of HTTP/1 whose bytes the test writes itself. */
export interface RawConnection {
  /** Sends GET requests at once, without waiting for answers. */
  get(...requests: readonly RawRequest[]): void;
  /** Resolves when a text was received, in all that was received. */
  until(text: string): Promise<string>;
  /** Stops reading, so that the server's buffers fill. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  let received = "";
  socket.setEncoding("utf8");
  // Each wait leaves a listener for the close.
  socket.setMaxListeners(0).on("error", () => {});
  socket.on("data", (chunk) => {
    received += chunk;
    socket.emit("received");
  });
  return {
    get(...requests) {
      const heads = requests.map(
        ({ path, accept = "application/json" }) =>
          `GET ${path} HTTP/1.1\r\nhost: app.test\r\naccept: ${accept}\r\n\r\n`,
      );
      socket.write(heads.join(""));
    },
    async until(text) {
      while (!received.includes(text)) {
        if (socket.destroyed) throw new Error(`The connection was closed before ${text}.`);
        await Promise.race([once(socket, "received"), once(socket, "close")]);
      }
      return received;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}
