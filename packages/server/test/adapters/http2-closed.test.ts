import http2 from "node:http2";
import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Answer, BodyAnswer, StreamAnswer } from "../../src/core/http/types.js";
import { BASE } from "./support/host.js";
import { HTTP2_HOSTS } from "./support/hosts.js";
import { scriptedCore } from "./support/scripted.js";

const BODY: BodyAnswer = {
  kind: "body",
  status: 404,
  headers: { "content-type": "application/json; charset=utf-8" },
  body: `"${"x".repeat(150)}"`,
};

function streamThat(goesOn: "ends" | "stays open"): StreamAnswer {
  return {
    kind: "stream",
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8" },
    subscribe(sink) {
      sink.write(new TextEncoder().encode("event: hello\ndata: {}\n\n"));
      if (goesOn === "ends") sink.end();
      return { drained() {}, closed() {} };
    },
  };
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  "a body": BODY,
  "a stream": streamThat("stays open"),
  "a stream that ends": streamThat("ends"),
};

/** Turns of the event loop between the close and the answer. After some of them, a write waits when the close comes. */
const TURNS = [0, 1, 2, 3, 4, 5, 6, 7];

describe.each(HTTP2_HOSTS)("%s", (_name, start) => {
  test.each(Object.entries(ANSWERS))(
    "given clients that close with NO_ERROR as %s is written, keeps no connection",
    async (_kind, answer) => {
      const answers: ((answer: Answer) => void)[] = [];
      const core = scriptedCore(() => new Promise((resolve) => answers.push(resolve)));
      const host = await start(core);
      host.client.close();
      onTestFinished(() => host.close());
      for (const turns of TURNS) {
        const session = http2.connect(`http://127.0.0.1:${host.port}`);
        const stream = session.request({
          ":path": `${BASE}/job`,
          accept: "text/event-stream",
        });
        stream.resume();
        await core.request();
        stream.close(http2.constants.NGHTTP2_NO_ERROR);
        for (let turn = 0; turn < turns; turn += 1) await setImmediate();
        answers.pop()?.(answer);
        await setImmediate();
        session.destroy();
      }
      await expect.poll(() => host.connections()).toBe(0);
    },
  );
});
