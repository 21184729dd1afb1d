import type { Meter } from "@opentelemetry/api";
import type { Meter as OldestMeter } from "@opentelemetry/api-1.3";
import type { MeterProvider } from "@opentelemetry/sdk-metrics";
import { expectTypeOf, test } from "vitest";
import type { Progress } from "../src/index.js";
import type { observeProgress } from "../src/otel.js";

test("given a meter of the API or of the SDK, observes a progress with it", () => {
  type MeterOf<Call extends (...args: never[]) => unknown> = Parameters<Call>[0];
  expectTypeOf<Meter>().toExtend<MeterOf<typeof observeProgress>>();
  expectTypeOf<ReturnType<MeterProvider["getMeter"]>>().toExtend<MeterOf<typeof observeProgress>>();
  expectTypeOf<Progress>().toExtend<Parameters<typeof observeProgress>[1]>();
});

test("given a meter of the oldest version that the peer dependency allows, observes a progress with it", () => {
  expectTypeOf<OldestMeter>().toExtend<Parameters<typeof observeProgress>[0]>();
});
