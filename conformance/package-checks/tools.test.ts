import { describe, it } from "vitest";
import { bin, run } from "./command.js";

describe("the workspace", () => {
  it("builds", () => {
    if (process.env.BUILD_ERROR) throw new Error(process.env.BUILD_ERROR);
  });

  it("is formatted and lint-free", async () => {
    await run(`${bin}biome`, ["check", "--error-on-warnings", "--max-diagnostics=50", "."]);
  });

  it("has no unused file, export or dependency", async () => {
    await run(`${bin}knip`, []);
  });

  it("has API pages without a warning", async () => {
    await run(`${bin}typedoc`, ["--out", "docs/api"]);
  });
});
