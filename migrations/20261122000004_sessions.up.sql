-- Who is asking, what they may see, and what the program's role is granted.
--
-- Policies believe no setting that says who one is, for whoever holds the login role can write any setting. They
-- believe a session token: the client says
--     select set_config('sphereconnect.token', $1, true)
-- and the functions below find its hash in user_sessions, which the client can neither read nor write.
-- Nobody set a token: an error, loudly. The token is unknown or has expired: null, so that no row is visible.
-- Policies ask through `(select current_guild())`, which is evaluated once a statement and not once a row.

create function session_token_hash() returns text
    language plpgsql stable set search_path = pg_catalog, public, pg_temp
as $$
declare
    -- Without `missing_ok`: a setting that was never made raises by itself.
    token text := current_setting('sphereconnect.token');
begin
    -- A setting made in an earlier transaction of the connection is left behind empty.
    if token = '' then
        raise exception using errcode = 'invalid_authorization_specification',
            message = 'no session token is set in this transaction; set sphereconnect.token first';
    end if;
    return encode(sha256(convert_to(token, 'utf8')), 'hex');
end
$$;

create function current_guild() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select guild_id from user_sessions where token_hash = session_token_hash() and expires_at > now();
end;

create function current_member() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select user_id from user_sessions where token_hash = session_token_hash() and expires_at > now();
end;

-- The highest section of a description the member may read; `brief` without a rank, null without a session.
create function current_clearance() returns text
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(r.clearance, 'brief')
    from users u left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = current_guild() and u.id = current_member();
end;

-- The member's place in the hierarchy, 1 being the most senior; null without a rank.
create function current_rank_level() returns integer
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select r.hierarchy_level
    from users u join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = current_guild() and u.id = current_member();
end;

-- What the member's rank permits: the union of its access levels.
create function current_actions() returns text[]
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(array_agg(distinct action order by action), '{}')
    from users u
        join ranks r on r.guild_id = u.guild_id and r.id = u.rank
        join access_levels l on l.guild_id = r.guild_id and l.id = any (r.access_levels)
        cross join unnest(l.user_actions) as granted (action)
    where u.guild_id = current_guild() and u.id = current_member();
end;

-- The ranks whose objectives the member sees: their own and those junior to it. Empty without a rank.
create function visible_rank_names() returns text[]
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(array_agg(name order by hierarchy_level), '{}')
    from ranks where guild_id = current_guild() and hierarchy_level >= current_rank_level();
end;

-- Whether the session may know of the objective at all. For functions that run as the owner, whom no policy stops.
create function objective_is_visible(objective uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select exists (
        select from objectives
        where guild_id = current_guild() and id = objective
            and (applicable_rank is null or applicable_rank = any (visible_rank_names())));
end;

-- The description without what is above the member's clearance: the only way to it. What may be read is listed, so
-- that nothing new is shown by mistake. Null when the objective is not visible.
create function objective_sections(objective uuid) returns jsonb
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select jsonb_strip_nulls(jsonb_build_object(
        'brief', description -> 'brief',
        'tactical', case when current_clearance() in ('tactical', 'classified') then description -> 'tactical' end,
        'classified', case when current_clearance() = 'classified' then description -> 'classified' end,
        'metrics', description -> 'metrics'))
    from objectives
    where guild_id = current_guild() and id = objective and objective_is_visible(objective);
end;

-- Writes one section of a description, or removes it when `body` is null. Raises insufficient_privilege for a section
-- above the member's clearance and for an objective that is not visible, in the same words whether or not it exists.
create function objective_describe(objective uuid, section text, body text) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    ladder constant text[] := array['brief', 'tactical', 'classified'];
begin
    if array_position(ladder, section) is null then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'a description has the sections brief, tactical and classified';
    end if;
    if not objective_is_visible(objective) then
        raise exception using errcode = 'insufficient_privilege', message = 'there is no such objective to describe';
    end if;
    if (array_position(ladder, section) <= array_position(ladder, current_clearance())) is not true then
        raise exception using errcode = 'insufficient_privilege',
            message = format('the section %s is above this member''s clearance', section);
    end if;
    update objectives set description = case
        when body is null then description - section else description || jsonb_build_object(section, body) end
    where guild_id = current_guild() and id = objective;
end
$$;

-- Adds to one of an objective's metrics (one that is missing counts as 0; `metric` null means current_value) and
-- returns all of them. One statement, so that two reports at the same moment both count. Sums are decimal: a tenth
-- ten times is one.
create function objective_measure(objective uuid, metric text, amount double precision) returns jsonb
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    key constant text := coalesce(metric, 'current_value');
    metrics jsonb;
begin
    if amount is null or amount in ('NaN', 'Infinity', '-Infinity') then
        raise exception using errcode = 'invalid_parameter_value', message = 'an amount must be a finite number';
    end if;
    if key !~ '[^[:space:]]' or char_length(key) > 120 or key ~ '[[:cntrl:]]' then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'a metric has a name of one line and at most 120 characters';
    end if;
    if key = 'target_value' then
        raise exception using errcode = 'invalid_parameter_value', message = 'a report does not move the target';
    end if;
    if not objective_is_visible(objective) then
        raise exception using errcode = 'insufficient_privilege', message = 'there is no such objective to measure';
    end if;
    update objectives set description = description || jsonb_build_object('metrics',
        coalesce(description -> 'metrics', '{}') || jsonb_build_object(key,
            trim_scale(coalesce((description #>> array['metrics', key])::numeric, 0) + amount::numeric)))
    where guild_id = current_guild() and id = objective
    returning description -> 'metrics' into metrics;
    return metrics;
end
$$;

-- Removes a squad, and the references to it first: those of objectives the member does not see, too. False when there is
-- no such squad.
create function squad_disband(squad uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if not 'manage_squads' = any (current_actions()) then
        raise exception using errcode = 'insufficient_privilege',
            message = 'squads are disbanded by members who may manage them';
    end if;
    update users set squad_id = null where guild_id = current_guild() and squad_id = squad;
    update objectives set squad_id = null where guild_id = current_guild() and squad_id = squad;
    update tasks set squad_id = null where guild_id = current_guild() and squad_id = squad;
    delete from squads where guild_id = current_guild() and id = squad;
    return found;
end
$$;

-- A rank decides what its holder reads, so changing one cannot be left to the client's good manners: who is not the
-- owner of the tables needs `manage_ranks`, and reaches only ranks below their own, before and after the change.
create function rank_change_is_allowed() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    if pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'usage') then
        return new;
    end if;
    if not 'manage_ranks' = any (current_actions()) or exists (
        select from ranks r
        where r.guild_id = new.guild_id and r.id in (old.rank, new.rank)
            and (r.hierarchy_level > current_rank_level()) is not true
    ) then
        raise exception using errcode = 'insufficient_privilege', table = 'users',
            message = 'a rank is given by members who may manage ranks, and only below their own';
    end if;
    return new;
end
$$;
create trigger rank_change before update on users
    for each row when (old.rank is distinct from new.rank) execute function rank_change_is_allowed();

revoke execute on function
    session_token_hash(), current_guild(), current_member(), current_clearance(), current_rank_level(),
    current_actions(), visible_rank_names(), objective_is_visible(uuid), objective_sections(uuid),
    objective_describe(uuid, text, text), objective_measure(uuid, text, double precision), squad_disband(uuid),
    rank_change_is_allowed()
from public;
grant execute on function
    current_guild(), current_member(), current_clearance(), current_rank_level(), current_actions(),
    visible_rank_names(), objective_sections(uuid), objective_describe(uuid, text, text),
    objective_measure(uuid, text, double precision), squad_disband(uuid)
to sphereconnect_app;

-- Row security, forced: it binds the owner too. The owner (whoever runs this migration) may be a plain role, so it is
-- let through by a policy of its own, and foreign keys, functions and operators' commands work. The name in that
-- policy is fixed here and does not follow a later change of owner.
alter table guilds enable row level security, force row level security;
alter table users enable row level security, force row level security;
alter table ai_commanders enable row level security, force row level security;
alter table squads enable row level security, force row level security;
alter table ranks enable row level security, force row level security;
alter table access_levels enable row level security, force row level security;
alter table objectives enable row level security, force row level security;
alter table tasks enable row level security, force row level security;
alter table objective_categories enable row level security, force row level security;
alter table objective_categories_junction enable row level security, force row level security;
alter table user_sessions enable row level security, force row level security;

create policy guilds_keeper on guilds for all to current_user using (true) with check (true);
create policy users_keeper on users for all to current_user using (true) with check (true);
create policy ai_commanders_keeper on ai_commanders for all to current_user using (true) with check (true);
create policy squads_keeper on squads for all to current_user using (true) with check (true);
create policy ranks_keeper on ranks for all to current_user using (true) with check (true);
create policy access_levels_keeper on access_levels for all to current_user using (true) with check (true);
create policy objectives_keeper on objectives for all to current_user using (true) with check (true);
create policy tasks_keeper on tasks for all to current_user using (true) with check (true);
create policy objective_categories_keeper on objective_categories for all to current_user using (true) with check (true);
create policy objective_categories_junction_keeper on objective_categories_junction
    for all to current_user using (true) with check (true);
create policy user_sessions_keeper on user_sessions for all to current_user using (true) with check (true);

-- The program's role: row by row its own guild, column by column what a turn needs. What is not granted stays shut:
-- nothing at all on user_sessions; no password, PIN, TOTP secret, failure count or lock; no description.

grant select on guilds to sphereconnect_app;
create policy guilds_select on guilds for select to sphereconnect_app using (id = (select current_guild()));

grant select on ai_commanders, ranks, access_levels, objective_categories to sphereconnect_app;
create policy ai_commanders_select on ai_commanders
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy ranks_select on ranks
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy access_levels_select on access_levels
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy objective_categories_select on objective_categories
    for select to sphereconnect_app using (guild_id = (select current_guild()));

grant select (guild_id, id, name, phonetic, availability, rank, preferences, squad_id, last_login, created_at, updated_at),
    update (phonetic, availability, rank, preferences, squad_id)
on users to sphereconnect_app;
create policy users_select on users
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy users_update on users
    for update to sphereconnect_app
    using (guild_id = (select current_guild())) with check (guild_id = (select current_guild()));

grant select, insert, update, delete on squads to sphereconnect_app;
create policy squads_all on squads
    for all to sphereconnect_app
    using (guild_id = (select current_guild())) with check (guild_id = (select current_guild()));

grant select (guild_id, id, name, phonetic, preferences, categories, priority, applicable_rank, progress, status,
        lead_id, squad_id, created_at, updated_at),
    insert,
    update (name, phonetic, preferences, priority, applicable_rank, progress, status, lead_id, squad_id, updated_at)
on objectives to sphereconnect_app;
create policy objectives_select on objectives
    for select to sphereconnect_app
    using (guild_id = (select current_guild())
        and (applicable_rank is null or applicable_rank = any ((select visible_rank_names())::text[])));
create policy objectives_insert on objectives
    for insert to sphereconnect_app with check (guild_id = (select current_guild()));
create policy objectives_update on objectives
    for update to sphereconnect_app
    using (guild_id = (select current_guild())
        and (applicable_rank is null or applicable_rank = any ((select visible_rank_names())::text[])))
    with check (guild_id = (select current_guild())
        and (applicable_rank is null or applicable_rank = any ((select visible_rank_names())::text[])));

-- Tasks and category links of an objective one cannot see are hidden with it: the question below is asked under the
-- objectives' own policy. A task stays with its objective, so objective_id is not granted for update.
grant select, insert,
    update (name, phonetic, description, status, priority, progress, self_assignment, lead_id, squad_id, schedule,
        updated_at)
on tasks to sphereconnect_app;
create policy tasks_select on tasks
    for select to sphereconnect_app
    using (guild_id = (select current_guild())
        and exists (select from objectives o where o.guild_id = tasks.guild_id and o.id = tasks.objective_id));
create policy tasks_insert on tasks
    for insert to sphereconnect_app
    with check (guild_id = (select current_guild())
        and exists (select from objectives o where o.guild_id = tasks.guild_id and o.id = tasks.objective_id));
create policy tasks_update on tasks
    for update to sphereconnect_app
    using (guild_id = (select current_guild())
        and exists (select from objectives o where o.guild_id = tasks.guild_id and o.id = tasks.objective_id))
    with check (guild_id = (select current_guild()));

grant select, insert, delete on objective_categories_junction to sphereconnect_app;
create policy objective_categories_junction_all on objective_categories_junction
    for all to sphereconnect_app
    using (guild_id = (select current_guild()) and exists (
        select from objectives o
        where o.guild_id = objective_categories_junction.guild_id
            and o.id = objective_categories_junction.objective_id))
    with check (guild_id = (select current_guild()) and exists (
        select from objectives o
        where o.guild_id = objective_categories_junction.guild_id
            and o.id = objective_categories_junction.objective_id));
