import { join } from "node:path";
import { build } from "esbuild";

/**
 * Compiles a TypeScript program with the sources of our packages in it. The packages of others stay outside: the file has to lie where they are found.
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
        name: "packages of others",
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
