import { fileURLToPath } from "node:url";
import { CommandFailed } from "../../scripts/lib/child.mjs";
import { withoutNpm } from "../../scripts/lib/environment.mjs";
import { ensureBuilt, providePnpm } from "../../scripts/lib/workspace.mjs";

/** Builds the packages if their build is older than their sources, because the checks look at the build. */
export async function setup(): Promise<void> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const env = withoutNpm(process.env);
  try {
    await providePnpm(root, env);
    await ensureBuilt(root, env);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    // An error thrown here would stop the other projects too. A test in tools.test.ts fails with this one instead.
    process.env.BUILD_ERROR = `${error.message}\n${error.output}`;
  }
}
