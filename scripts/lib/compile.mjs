import { join } from "node:path";
import { build } from "esbuild";

/**
 * Bundles a TypeScript program with the sources of our packages. Other packages are not bundled, so the output file has
 * to be in a folder from which Node can resolve them.
 *
 * @param {string} root
 * @param {string} entry
 * @param {string} outfile
 */
export async function compileProgram(root, entry, outfile) {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    tsconfig: join(root, "tsconfig.json"),
    logLevel: "silent",
    plugins: [
      {
        name: "other packages",
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === "entry-point" || path.startsWith("@emlinh/")
              ? undefined
              : { path, external: true },
          );
        },
      },
    ],
  });
}
