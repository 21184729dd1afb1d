import process from "node:process";
import { notice, runMain } from "./main.js";
import { portFrom } from "./settings.js";
import { startWeb } from "./web/app.js";

await runMain(async (settings) => {
  const web = await startWeb({ settings, port: portFrom(process.env), onNotice: notice });
  return {
    line: `Web process ${process.pid}: ${web.url}`,
    ready: { url: web.url },
    close: web.close,
  };
});
