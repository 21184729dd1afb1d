import type { PostgresNames } from "../names.js";
import { refuseStandby } from "./refuse-standby.js";

/**
 * `learn` mirrors `learned` of shared/expectations.ts for each step of a job, whose durations are passed as natural
 * logarithms. It locks the steps in the order of their names, so two calls can't block each other in a circle.
 *
 * A difference that is too small to matter counts as none, because PostgreSQL refuses a product that is too small for a
 * number: the mean of a step that always takes 1 ms, whose logarithm is 0, comes ever nearer to it.
 */
export function expectationsSql({ of }: PostgresNames): string {
  const rate = `${of("learning_rate")}(e.count + 1)`;
  const difference = `${of("learned_difference")}(e.mean, excluded.mean)`;
  return `
create function ${of("learning_rate")}(p_count bigint) returns double precision language sql immutable as $body$
  select greatest(1::double precision / p_count, 0.1::double precision)
$body$;

create function ${of("learned_difference")}(p_mean double precision, p_value double precision)
returns double precision language sql immutable as $body$
  select case when abs(p_value - p_mean) < 1e-100 then 0 else p_value - p_mean end
$body$;

create function ${of("learn")}(p_kind text, p_logarithms json) returns text language plpgsql as $body$
begin
  insert into ${of("expectations")} as e (kind, step, count, mean, variance, learned_at)
    select p_kind, each.key, 1, each.value::double precision, 0, ${of("now_ms")}()
    from json_each_text(p_logarithms) as each order by each.key collate "C"
    on conflict (kind, step) do update set
      count = e.count + 1,
      mean = e.mean + ${rate} * ${difference},
      variance = (1 - ${rate}) * (e.variance + ${rate} * ${difference} * ${difference}),
      learned_at = excluded.learned_at;
  return null;
end
$body$;

create function ${of("read_expectations")}(p_kind text) returns text language plpgsql stable as $body$
begin
  ${refuseStandby("expectations")}
  return (
    select json_object_agg(step, json_build_array(count, mean, variance))::text
    from ${of("expectations")} where kind = p_kind
  );
end
$body$;
`;
}
