-- The role the program works as, and the pure functions the tables' checks and indexes call.

-- The login role of every daemon. A player owns the computer the daemon runs on, so the role is taken to be in hostile
-- hands: it owns nothing, row security always applies to it, and it inherits from nobody. Its password, if the server
-- wants one, is the operator's to set.
-- Roles belong to the whole cluster, not to this database. Two databases that migrate at the same time race for the
-- name, and the loser sees either error depending on when it looked.
do $$
begin
    create role sphereconnect_app login nosuperuser nocreatedb nocreaterole noreplication nobypassrls noinherit;
exception
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema public to sphereconnect_app;

-- Reads `start` or `end` of a schedule: an instant written `YYYY-MM-DDTHH:MM[:SS[.ffffff]]Z`, or null for anything
-- else. It is built from parts instead of a cast, because a cast to timestamptz depends on the session's settings and
-- an index needs an immutable function; and it never raises, so that a bad value fails the check and not the cast.
create function schedule_instant(schedule jsonb, which text) returns timestamptz
    language sql immutable strict parallel safe
begin atomic
    select case
        when jsonb_typeof(schedule -> which) = 'string'
            and (schedule ->> which) collate "C" ~
                '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?Z$'
            and (schedule ->> which) not like '0000%'
        then case
            -- The day has to exist in its month.
            when substr(schedule ->> which, 9, 2)::int <= extract(day from (
                make_date(substr(schedule ->> which, 1, 4)::int, substr(schedule ->> which, 6, 2)::int, 1)
                + interval '1 month' - interval '1 day'))
            then make_timestamp(
                substr(schedule ->> which, 1, 4)::int, substr(schedule ->> which, 6, 2)::int,
                substr(schedule ->> which, 9, 2)::int, substr(schedule ->> which, 12, 2)::int,
                substr(schedule ->> which, 15, 2)::int,
                coalesce(nullif(rtrim(substr(schedule ->> which, 18), 'Z'), ''), '0')::double precision
            ) at time zone 'UTC'
        end
    end;
end;

-- Row security lets a query use an index only through functions that cannot leak what they read. This one cannot (it
-- raises nothing and prints nothing), but only a superuser may say so. Without the mark "due today" still finds the
-- guild's tasks by index and filters them afterwards.
do $$
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        alter function schedule_instant(jsonb, text) leakproof;
    end if;
end
$$;

-- Whether a task's schedule has the documented shape: instants `start` and `end` in order, `duration` in whole minutes
-- that agrees with them, `flexible` true or false, `timezone` a text (a trigger looks the name up, since the list of
-- zones is no constant). A missing key reads as empty; an unknown key is refused, for it would never be read.
create function schedule_is_valid(schedule jsonb) returns boolean
    language sql immutable strict parallel safe
begin atomic
    select case when jsonb_typeof(schedule) = 'object' then
        schedule - array['start', 'end', 'duration', 'flexible', 'timezone'] = '{}'::jsonb
        and (not schedule ? 'start' or schedule_instant(schedule, 'start') is not null)
        and (not schedule ? 'end' or schedule_instant(schedule, 'end') is not null)
        and coalesce(schedule_instant(schedule, 'end') >= schedule_instant(schedule, 'start'), true)
        and coalesce(jsonb_typeof(schedule -> 'flexible') = 'boolean', true)
        and coalesce(jsonb_typeof(schedule -> 'timezone') = 'string', true)
        and case when not schedule ? 'duration' then true
            when jsonb_typeof(schedule -> 'duration') = 'number' then
                (schedule ->> 'duration')::numeric >= 0
                and (schedule ->> 'duration')::numeric % 1 = 0
                and coalesce(
                    extract(epoch from schedule_instant(schedule, 'end') - schedule_instant(schedule, 'start'))
                        = (schedule ->> 'duration')::numeric * 60,
                    true)
            else false end
    else false end;
end;

-- Whether an objective's description has the documented shape: texts `brief`, `tactical`, `classified`, and `metrics`,
-- an object of numbers with keys of the guild's choosing. An unknown key is refused, since no clearance would guard
-- it. Numbers stay below 10^15, where a double is still exact.
create function description_is_valid(description jsonb) returns boolean
    language sql immutable strict parallel safe
begin atomic
    select case when jsonb_typeof(description) = 'object' then
        description - array['brief', 'tactical', 'classified', 'metrics'] = '{}'::jsonb
        and coalesce(jsonb_typeof(description -> 'brief') = 'string', true)
        and coalesce(jsonb_typeof(description -> 'tactical') = 'string', true)
        and coalesce(jsonb_typeof(description -> 'classified') = 'string', true)
        and case jsonb_typeof(coalesce(description -> 'metrics', '{}'::jsonb)) when 'object' then
            not exists (
                select from jsonb_each(coalesce(description -> 'metrics', '{}'::jsonb)) as metric (key, value)
                where case jsonb_typeof(metric.value)
                    when 'number' then abs(metric.value::numeric) >= 1e15 else true end)
            else false end
    else false end;
end;

-- How much of its target an objective has reached, 0 to 100; null when its metrics name no target above 0. The
-- description must be valid.
create function metrics_share(description jsonb) returns real
    language sql immutable strict parallel safe
begin atomic
    select case when (description #>> '{metrics,target_value}')::numeric > 0 then
        least(100, greatest(0,
            100 * coalesce((description #>> '{metrics,current_value}')::numeric, 0)
            / (description #>> '{metrics,target_value}')::numeric))::real
    end;
end;

-- A function is open to everyone unless told otherwise. The checks and indexes run as whoever writes the row, so the
-- program's role needs those they call.
revoke execute on function
    schedule_instant(jsonb, text), schedule_is_valid(jsonb), description_is_valid(jsonb), metrics_share(jsonb)
from public;
grant execute on function
    schedule_instant(jsonb, text), schedule_is_valid(jsonb), description_is_valid(jsonb), metrics_share(jsonb)
to sphereconnect_app;
