import { fileURLToPath } from "node:url";
import { CommandFailed } from "../../scripts/lib/child.mjs";
import { withoutNpm } from "../../scripts/lib/environment.mjs";
import { ensureBuilt, providePnpm } from "../../scripts/lib/workspace.mjs";

/** What is checked is what is built: a build older than the sources would pass for them. */
export async function setup(): Promise<void> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const env = withoutNpm(process.env);
  try {
    await providePnpm(root, env);
    await ensureBuilt(root, env);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    // Thrown here it would stop the other projects too; a test in tools.test.ts fails with it.
    process.env.BUILD_ERROR = `${error.message}\n${error.output}`;
  }
}
