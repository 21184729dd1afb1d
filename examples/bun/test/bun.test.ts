import { expect, test } from "vitest";
import { eventsOf, readStream, startExample } from "../../express/test/support/example-server.js";
import { binaryOf, type Runtime, runtimeSuite } from "./support/runtime-suite.js";

const bun: Runtime = {
  name: "Bun",
  folder: new URL("..", import.meta.url),
  binaries: {
    "linux-x64": "@oven/bun-linux-x64/bin/bun",
    "darwin-arm64": "@oven/bun-darwin-aarch64/bin/bun",
  },
  args: [],
};
const binary = binaryOf(bun);

runtimeSuite(bun);

test.skipIf(binary === undefined)(
  "given an app that does not pass the server of Bun, the adapter is never silent for 10 s",
  async () => {
    const args = ["test/support/without-server.ts"];
    const server = await startExample(bun.folder, { program: binary ?? "", args });
    const { jobId, text } = await readStream(server, "/api/silent", {});
    const url = `${server.origin}/api/progress/${jobId}`;
    const { cursor } = (await (await fetch(url)).json()) as { cursor: string };
    // Two long polls, one after the other, last longer than the limit of Bun.
    for (let polls = 0; polls < 2; polls += 1) {
      const polled = await fetch(`${url}?after=${cursor}&wait=20`);
      expect(await polled.json()).toMatchObject({ cursor, set: {} });
    }
    expect((await fetch(`${url}/cancel`, { method: "POST" })).status).toBe(202);
    expect(await server.stop()).toBe(0);
    const events = eventsOf(await text);
    expect(events.filter((event) => event === "heartbeat").length).toBeGreaterThan(1);
    expect(["bye", "end"]).toContain(events.at(-1));
  },
);
