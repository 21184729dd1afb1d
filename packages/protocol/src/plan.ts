import { ProgressError } from "./error.js";
import type { PlanStep } from "./state.js";

/** The most steps that a plan may have. */
const MAX_PLAN_STEPS = 500;

/**
 * A step of a plan as the app writes it: its id, or an object. The title is derived from the id unless it is given:
 * `render-frames` is shown as "Render frames". The weight is learned from earlier jobs unless it is given. Without
 * these it is 1.
 */
export type PlanInput<StepId extends string = string> =
  | StepId
  | (Pick<PlanStep<StepId>, "id"> & {
      readonly title?: string | undefined;
      readonly weight?: number | undefined;
    });

/** A step of a plan as a definition has it: with its title, and with a weight if the app gave one. */
export type DefinedStep<StepId extends string = string> = Pick<PlanStep<StepId>, "id" | "title"> & {
  readonly weight?: number;
};

/**
 * Fills in the titles of a plan. It checks no step: `create` refuses wrong ones.
 *
 * @throws {@link ProgressError} `invalid-option` for more than 500 steps, before it reads one: a
 * sparse array of untyped code may have billions.
 */
export function definedPlan<StepId extends string>(
  plan: readonly PlanInput<StepId>[],
): readonly DefinedStep<StepId>[] {
  if (plan.length > MAX_PLAN_STEPS)
    throw new ProgressError("invalid-option", {
      message: `The plan has ${plan.length} steps; it must have at most ${MAX_PLAN_STEPS}.`,
    });
  // The copy is bounded, whatever the length is now: that of a proxy may have changed.
  return plan.slice(0, MAX_PLAN_STEPS).map((step) => {
    if (typeof step !== "string" && !step?.id) return step as unknown as DefinedStep<StepId>;
    const { id, title = titleOf(id), weight } = typeof step === "string" ? { id: step } : step;
    return { id, title, ...(weight !== undefined && { weight }) };
  });
}

/** Fills in the titles and weights of a plan, as {@link definedPlan} does. */
export function planOf<StepId extends string>(
  plan: readonly PlanInput<StepId>[],
): readonly PlanStep<StepId>[] {
  return definedPlan(plan).map(
    (step) => (step?.id ? { weight: 1, ...step } : step) as PlanStep<StepId>,
  );
}

function titleOf(id: string): string {
  const words = String(id).replace(/[-_]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
