import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Prints `N passed, N failed` as the last line of a run, with `, N skipped` if tests were skipped. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      let counted = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counted += 1;
        // A test that did not finish did not pass.
        count[state === "pending" ? "failed" : state] += 1;
      }
      // A file that could not be loaded has no failed test, but must appear in the count.
      if (module.state() === "failed" && module.errors().length > 0) count.failed += 1;
      else if (counted === 0 && module.state() === "failed") count.failed += 1;
    }
    // The default reporter writes its summary in the same turn. This line has to come after it.
    process.once("exit", (code) => {
      // A failure outside of all tests, such as in a global setup, appears only in the exit code.
      if (code !== 0 && count.failed === 0) count.failed = 1;
      const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
      process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`);
    });
  }
}
