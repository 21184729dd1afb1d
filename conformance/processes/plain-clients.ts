import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";

/** Sends a GET over a connection of its own. Resolves with the status when the answer is complete. */
export async function statusOf(port: number, path: string): Promise<number | undefined> {
  const request = http.get({ host: "127.0.0.1", port, path, agent: false });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.resume();
  await once(response, "end");
  return response.statusCode;
}

/** The same over HTTP/2. Resolves when the connection is closed. */
export async function statusOverHttp2(port: number, path: string): Promise<number | undefined> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const closed = once(session, "close");
  const stream = session.request({ ":path": path });
  const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  stream.resume();
  session.close();
  await closed;
  return Number(headers[":status"]);
}
