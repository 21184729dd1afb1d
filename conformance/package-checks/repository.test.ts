import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { root, run } from "./command.js";

it("the lockfile names no host, so that it works with any registry", () => {
  const lockfile = readFileSync(`${root}pnpm-lock.yaml`, "utf8");
  expect(lockfile.match(/^.*\b(tarball|registry):.*$/gm) ?? []).toEqual([]);
});

it.skipIf(!existsSync(`${root}.git`))("no .npmrc, build or dependency is committed", async () => {
  const files = (await run("git", ["ls-files"])).trim().split("\n");
  const wrong = /(^|\/)(\.npmrc|node_modules|dist|\.tools)(\/|$)|^docs\/api\/|\.tgz$/;
  expect(files.filter((file) => wrong.test(file))).toEqual([]);
});
