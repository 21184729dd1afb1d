/** Run before a package is packed, in its folder: copies the files of the repository that its tarball contains. */
import { fileURLToPath } from "node:url";
import { copyPackageFiles } from "./lib/package-files.mjs";

copyPackageFiles(fileURLToPath(new URL("..", import.meta.url)), process.cwd());
