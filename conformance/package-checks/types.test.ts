import { readdirSync } from "node:fs";
import { describe, it } from "vitest";
import { bin, root, run } from "./command.js";

const ts = (project: string) => run(`${bin}tsc`, ["--project", project]);

// In a file of their own, so that they run beside the other checks: they take as long as all of those.
describe("the workspace", () => {
  it("type-checks its tests and scripts", async () => {
    await ts("tsconfig.json");
  });

  const projects = ["packages", "examples"]
    .flatMap((parent) => readdirSync(root + parent).map((name) => `${parent}/${name}`))
    .filter((folder) => readdirSync(root + folder).includes("tsconfig.json"));
  it.for(projects)("type-checks %s", async (folder) => {
    await ts(folder);
  });
});
