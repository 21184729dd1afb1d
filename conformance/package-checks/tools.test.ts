import { readdirSync } from "node:fs";
import { describe, it } from "vitest";
import { bin, root, run } from "./command.js";

const ts = (project: string) => run(`${bin}tsc`, ["--project", project]);

describe("the workspace", () => {
  it("builds", () => {
    if (process.env.BUILD_ERROR) throw new Error(process.env.BUILD_ERROR);
  });

  it("is formatted and lint-free", async () => {
    await run(`${bin}biome`, ["check", "--error-on-warnings", "--max-diagnostics=50", "."]);
  });

  it("type-checks its tests and scripts", async () => {
    await ts("tsconfig.json");
  });

  const projects = ["packages", "examples"]
    .flatMap((parent) => readdirSync(root + parent).map((name) => `${parent}/${name}`))
    .filter((folder) => readdirSync(root + folder).includes("tsconfig.json"));
  it.for(projects)("type-checks %s", async (folder) => {
    await ts(folder);
  });

  it("has no unused file, export or dependency", async () => {
    await run(`${bin}knip`, []);
  });

  it("has API pages without a warning", async () => {
    await run(`${bin}typedoc`, ["--out", "docs/api"]);
  });
});
