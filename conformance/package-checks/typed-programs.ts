import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./command.js";

/** Declarations of the values that the READMEs' snippets take from the reader's app. */
const APP: Readonly<Record<string, string>> = {
  server: `
import type express from "express";
import { type Authorize, createProgress, memoryStore } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
declare const app: express.Express;
interface User { readonly id: string; readonly isAdmin: boolean; readonly sessionEndsAt: number }
declare function ownerOf(jobId: string): Promise<string>;
`,
  client: `
import { defineJob, type JobOf, type JobWatch, typed } from "@emlinh/progress-client";
const videoJob = defineJob({ kind: "video", result: typed<{ videoUrl: string }>() });
declare const player: HTMLVideoElement;
declare const message: HTMLElement;
`,
};

/** The use of a README's snippet, which shows that it fits. */
const USE: Readonly<Record<string, string>> = {
  server: `
const progress = createProgress({ store: memoryStore(), authorize });
app.use("/api/progress", expressProgress(progress));
`,
  client: "export { show };",
};

/**
 * Programs as a user writes them, by name: each block of TypeScript in a README, and two that use the types.
 *
 * @param folders - Those of the packages, with a slash at the end.
 */
export function typedPrograms(folders: readonly string[]): Record<string, string> {
  const programs: Record<string, string> = {};
  for (const folder of folders) {
    const name = basename(folder);
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    for (const [index, [, block = ""]] of [...readme.matchAll(/```ts\n(.*?)```/gs)].entries())
      programs[`${name}-readme-${index}`] = [APP[name], block, USE[name]].join("\n");
  }
  for (const name of ["typed-app", "typed-adapters"]) {
    const program = `${root}conformance/package-checks/programs/${name}.ts`;
    programs[name] = readFileSync(program, "utf8");
  }
  return programs;
}
