import type { PostgresNames } from "../names.js";
import { refuseStandby } from "./refuse-standby.js";

/**
 * `read_job` returns what changed after a cursor, and null for an unknown job. It is `stable`, so all of its parts see
 * the database as it was when the call began. If nothing changed, it reads the job's row only.
 */
export function readJobSql({ of }: PostgresNames): string {
  return `
create function ${of("read_job")}(p_id text, p_epoch text, p_version bigint, p_max_lines bigint)
returns text language plpgsql stable as $body$
begin
  ${refuseStandby("jobs")}
  return (
    select case when j.removed then '{"removed":true}' else
      '{"epoch":' || to_json(j.epoch)::text || ',"version":' || j.version || ',"reset":' || c.reset || ',"set":{' ||
      case when j.version > c.version then
        coalesce((
          select string_agg(to_json(f.name)::text || ':' || f.value, ',') || ','
          from ${of("fields")} f where f.job_id = j.id and f.version > c.version
        ), '') || '"updatedAt":' || j.updated_at
      else '' end || '},"lines":[' ||
      case when j.last_line_version > c.version then
        coalesce((
          select string_agg('[' || l.n || ',' || l.version || ',' || l.line || ']', ',' order by l.n)
          from ${of("lines")} l
            where l.job_id = j.id and l.ordinal > j.lines - p_max_lines and l.version > c.version
        ), '')
      else '' end || '],"done":' || (j.ended_at is not null) || ',"now":' || ${of("now_ms")}() || '}'
    end
    from ${of("jobs")} j
    cross join lateral (select p_epoch is distinct from j.epoch or p_version > j.version as reset) r
    cross join lateral (select r.reset, case when r.reset then 0 else p_version end as version) c
    where j.id = p_id
  );
end
$body$;
`;
}
