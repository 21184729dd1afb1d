import { ProgressError } from "./error.js";
import type { PlanStep } from "./state.js";

/** The most steps that a plan may have. */
const MAX_PLAN_STEPS = 500;

/**
 * A step of a plan as the app writes it: its id, or an object. The title is derived from the id unless it is given:
 * `render-frames` is shown as "Render frames". The weight is 1 unless it is given.
 */
export type PlanInput<StepId extends string = string> =
  | StepId
  | (Pick<PlanStep<StepId>, "id"> & {
      readonly title?: string | undefined;
      readonly weight?: number | undefined;
    });

/**
 * Fills in the titles and weights of a plan. It checks no step: `create` refuses wrong ones.
 *
 * @throws {@link ProgressError} `invalid-option` for more than 500 steps, before it reads one: a
 * sparse array of untyped code may have billions.
 */
export function planOf<StepId extends string>(
  plan: readonly PlanInput<StepId>[],
): readonly PlanStep<StepId>[] {
  if (plan.length > MAX_PLAN_STEPS)
    throw new ProgressError("invalid-option", {
      message: `The plan has more than ${MAX_PLAN_STEPS} steps.`,
    });
  // The copy is bounded, whatever the length is now: that of a proxy may have changed.
  return plan.slice(0, MAX_PLAN_STEPS).map((step) => {
    if (typeof step !== "string" && !step?.id) return step as unknown as PlanStep<StepId>;
    const { id, title = titleOf(id), weight = 1 } = typeof step === "string" ? { id: step } : step;
    return { id, title, weight };
  });
}

function titleOf(id: string): string {
  const words = String(id).replace(/[-_]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
