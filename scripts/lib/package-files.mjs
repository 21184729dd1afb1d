import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Copies the files of the repository that belong into each tarball into a package: the license and the pages for users.
 * Git ignores the copies. A file that is up to date is left alone, because another process may be reading it.
 *
 * @param {string} root
 * @param {string} folder The package.
 */
export function copyPackageFiles(root, folder) {
  copy(join(root, "LICENSE"), join(folder, "LICENSE"));
  // Folders such as `decisions` are about the work on this repository.
  const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  for (const page of pages)
    copy(join(root, "docs", page), join(folder, "docs", page), withoutOutsideLinks);
}

/**
 * Replaces each link that leads out of `docs/` by its text and the place, because a tarball has only the pages.
 *
 * @param {string} page
 */
export function withoutOutsideLinks(page) {
  return page.replace(
    /\[([^\]]+)\]\(\.\.\/([^)#]+)(?:#[^)]*)?\)/g,
    (_link, /** @type {string} */ text, /** @type {string} */ path) =>
      text.includes(path) ? `${text} in the repository` : `${text} (\`${path}\` in the repository)`,
  );
}

/** @param {string} from @param {string} to @param {(text: string) => string} change */
function copy(from, to, change = (text) => text) {
  const text = change(readFileSync(from, "utf8"));
  if (read(to) === text) return;
  mkdirSync(dirname(to), { recursive: true });
  // A rename replaces the file at once: no other process sees half of it.
  const unfinished = `${to}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, to);
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not copied before.
    return undefined;
  }
}
