import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";

/** The argument of the program, as JSON. */
export interface FailingWorkOrders {
  /** Whether the app has an `onError` of its own. */
  readonly hasOnError: boolean;
}

/** A program whose work fails for each of three jobs. It prints nothing itself. */
const { hasOnError } = JSON.parse(process.argv[2] ?? "") as FailingWorkOrders;
const progress = createProgress({
  store: memoryStore(),
  authorize: allowAnyone,
  onError: hasOnError ? () => {} : undefined,
});
for (let n = 0; n < 3; n += 1) {
  const job = await progress.create({ kind: "copy" });
  await progress.run(job, () => {
    throw new Error(`The disk is full: ${n} bytes are left.`);
  });
}
