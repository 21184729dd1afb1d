import { describe, expect, onTestFinished, test } from "vitest";
import { runProgram } from "../programs.js";
import { startHoldingProxy } from "../servers/holding-proxy.js";
import { SERVED_BACKENDS } from "../stores/backends.js";
import { openStore } from "../stores/open-store.js";
import type { Report, ReportingOrders, ReportingSaid } from "./programs/reporting.js";

describe("a write whose bytes reach the server late", () => {
  for (const { name, start } of SERVED_BACKENDS)
    test(`${name}: given a connection that was cut on the worker's side, it changes nothing after the retry`, async () => {
      const { address, stop } = await start();
      onTestFinished(stop);
      if (address.kind === "sqlite") return;
      const { store, close } = await openStore(address);
      onTestFinished(close);
      await store.create({ id: "job", set: { kind: "video", status: "queued", attempt: 1 } });
      const url = new URL(address.url);
      const proxy = await startHoldingProxy(Number(url.port));
      onTestFinished(() => proxy.close());
      url.port = String(proxy.port);
      const orders: ReportingOrders = { address: { ...address, url: url.href }, jobId: "job" };
      const worker = await runProgram<ReportingSaid>("processes/programs/reporting.ts", orders);
      await worker.until("that it holds the job", ({ kind }) => kind === "open");
      const report = (next: Report): void => worker.tell(next);
      const flushed = (wanted: string): Promise<ReportingSaid> =>
        worker.until(wanted, (said) => said.kind === "flushed" && said.message === wanted);

      const held = proxy.holdCarrierOf("the first line");
      report({ percent: 40, message: "old", line: "the first line" });
      await held;
      proxy.cutClients();
      // The retry goes over a new connection.
      await flushed("old");
      report({ percent: 60, message: "new" });
      await flushed("new");
      const acknowledged = await store.read("job");
      await proxy.deliver();

      const after = await store.read("job");
      expect(after?.set).toMatchObject({ percent: 60, message: "new" });
      expect(after?.log.map(({ text }) => text)).toEqual(["the first line"]);
      expect(after?.cursor).toBe(acknowledged?.cursor);
    });
});
