import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Folders that builds do not read: outputs, tests and hidden folders. */
const NOT_SOURCE = /^(\..*|node_modules|dist|coverage|test|e2e|data|output|tmp)$/;
const SOURCE = /\.([cm]?[jt]sx?|json|html|css|svg|vue|svelte|yaml)$/;

/**
 * The folders of the packages that `pnpm-workspace.yaml` lists.
 *
 * @param {string} root
 * @returns {string[]} Absolute, sorted.
 */
function workspaceFolders(root) {
  const below = ["packages", "examples"].flatMap((parent) => {
    const folder = join(root, parent);
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
  return [...below, join(root, "conformance"), join(root, "bench")]
    .filter((folder) => existsSync(join(folder, "package.json")))
    .sort();
}

/** @param {string} folder @returns {string[]} */
function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_SOURCE.test(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesIn(path);
    return SOURCE.test(entry.name) ? [path] : [];
  });
}

/** @param {string} folder @returns {string[]} */
function allIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** @param {string} root @param {readonly string[]} paths @param {readonly string[]} more */
function hash(root, paths, more) {
  const sum = createHash("sha256");
  for (const text of more) sum.update(`${text}\0`);
  for (const path of paths) {
    sum.update(`${relative(root, path)}\0`);
    sum.update(existsSync(path) ? readFileSync(path) : "");
    sum.update("\0");
  }
  return sum.digest("hex");
}

/**
 * A hash of everything that determines the result of `pnpm install`.
 *
 * @param {string} root
 */
export function installKey(root) {
  const folders = workspaceFolders(root);
  const paths = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"].map((name) =>
    join(root, name),
  );
  paths.push(...folders.map((folder) => join(folder, "package.json")));
  // A package whose node_modules was removed has to be installed again.
  const present = folders.filter((folder) => existsSync(join(folder, "node_modules")));
  return hash(root, paths, [process.version, process.platform, process.arch, present.join()]);
}

/**
 * A hash of the sources that a build reads, and of the size and time of the files that it wrote. So a build by hand is
 * noticed.
 *
 * @param {string} root
 */
export function buildKey(root) {
  const folders = workspaceFolders(root);
  const paths = ["package.json", "pnpm-lock.yaml", "tsconfig.base.json", "tsconfig.json"].map(
    (name) => join(root, name),
  );
  paths.push(...folders.flatMap(sourcesIn).sort());
  const built = folders
    .flatMap((folder) => allIn(join(folder, "dist")))
    .map((path) => {
      // Another build may have removed the file in the meantime.
      const found = statSync(path, { throwIfNoEntry: false });
      return `${path} ${found?.size} ${found?.mtimeMs}`;
    });
  return hash(root, paths, [process.version, ...built]);
}

/** @param {string} root @param {"install" | "build"} name */
function stampPath(root, name) {
  // In node_modules, so that the stamps are removed together with the packages.
  return join(root, "node_modules", ".stamps", name);
}

/**
 * Does the work, unless its key is the same as after the last time.
 *
 * @param {string} root
 * @param {"install" | "build"} name
 * @param {(root: string) => string} keyOf Called again after the work, because that may change the key.
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} Whether the work was done.
 */
export async function unlessStamped(root, name, keyOf, work) {
  const path = stampPath(root, name);
  if (existsSync(path) && readFileSync(path, "utf8") === keyOf(root)) return false;
  await work();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, keyOf(root));
  return true;
}
