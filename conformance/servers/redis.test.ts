import { describe, expect, test } from "vitest";
import { until } from "../stores/await-helpers.js";
import { REDIS_MISSING, runCommand, startRedis } from "./redis.js";

describe.skipIf(REDIS_MISSING !== undefined)("a Redis server of a test", () => {
  test("given a script that never ends, ends within seconds of stop()", async () => {
    const server = await startRedis({ args: ["--busy-reply-threshold", "1"] });
    const pid = server.pid() ?? expect.fail("The server does not run.");
    const script = runCommand(server, "EVAL", "while true do end", "0").catch(() => {});
    await until("the script blocks the server", async () =>
      runCommand(server, "PING").then(
        () => false,
        (error: Error) => error.message.startsWith("BUSY"),
      ),
    );
    await server.stop();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    await script;
  });
});
