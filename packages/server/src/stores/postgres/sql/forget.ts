import type { PostgresNames } from "../names.js";

const DAY_MS = 86_400_000;

/**
 * `forget` deletes a bounded number of rows that have not changed for long: after a day those that tell polls that a
 * list has changed, which are made again by the next change, and after 90 days the durations of steps that no job has
 * had since. It skips locked rows and waits for none.
 */
export function forgetSql({ of }: PostgresNames): string {
  return `
create function ${of("forget")}(p_batch bigint) returns void language plpgsql as $body$
declare
  now_ms bigint := ${of("now_ms")}();
begin
  delete from ${of("list_versions")} where (subject, shard) in (
    select subject, shard from ${of("list_versions")} where version < now_ms - ${DAY_MS}
      order by version limit p_batch for update skip locked
  );
  delete from ${of("expectations")} where (kind, step) in (
    select kind, step from ${of("expectations")} where learned_at < now_ms - ${90 * DAY_MS}
      order by learned_at limit p_batch for update skip locked
  );
end
$body$;
`;
}
