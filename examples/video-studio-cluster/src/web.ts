import process from "node:process";
import { notice, runMain } from "./main.js";
import { portFrom } from "./settings.js";
import { startWeb } from "./web/app.js";

await runMain(async (settings) => {
  // By default only an nginx on the same machine can connect.
  const host = process.env.HOST || "127.0.0.1";
  const port = portFrom(process.env);
  const web = await startWeb({ settings, port, host, onNotice: notice });
  return {
    line: `Web process ${process.pid}: ${web.url}`,
    ready: { url: web.url },
    close: web.close,
  };
});
