import { cpSync, readFileSync, realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.js";
import { folderOf, manifestOf, type Published, published } from "./packages.js";

/**
 * Packs a published package as `npm publish` would.
 *
 * @param folder - Where the tarball goes.
 * @returns The tarball's path.
 */
export async function packPublished(name: Published, folder: string): Promise<string> {
  await run("pnpm", ["pack", "--pack-destination", folder], folderOf(name));
  const { name: full, version } = manifestOf(name);
  return join(folder, `${full.replace("@", "").replace("/", "-")}-${version}.tgz`);
}

/**
 * Packs a dependency of the client as it is installed here, so that npm needs no registry.
 *
 * @param folder - Where the tarball goes.
 * @returns The tarball's path.
 */
async function packDependency(dependency: string, folder: string): Promise<string> {
  const from = realpathSync(`${folderOf("client")}node_modules/${dependency}`);
  const copy = join(folder, dependency);
  cpSync(from, copy, { recursive: true });
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], copy);
  const { version } = JSON.parse(readFileSync(join(copy, "package.json"), "utf8"));
  return join(folder, `${dependency}-${version}.tgz`);
}

/**
 * Installs both published packages into a folder with npm, from tarballs and without a registry.
 *
 * @param consumer - An existing folder that becomes a package.
 * @param tarballs - Where the tarballs go.
 */
export async function installPublished(consumer: string, tarballs: string): Promise<void> {
  const paths = await Promise.all([
    ...published.map((name) => packPublished(name, tarballs)),
    packDependency("eventsource-parser", tarballs),
  ]);
  await writeFile(join(consumer, "package.json"), '{ "private": true }\n');
  const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...flags, ...paths.map((path) => `file:${path}`)], consumer);
}
