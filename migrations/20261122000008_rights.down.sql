-- Back to rights that only the program holds.
drop policy guilds_insert on guilds;
drop policy guilds_update on guilds;
drop policy guilds_delete on guilds;
drop policy ai_commanders_insert on ai_commanders;
drop policy ai_commanders_update on ai_commanders;
drop policy ai_commanders_delete on ai_commanders;
drop policy access_levels_insert on access_levels;
drop policy access_levels_update on access_levels;
drop policy access_levels_delete on access_levels;
drop policy ranks_insert on ranks;
drop policy ranks_update on ranks;
drop policy ranks_delete on ranks;
drop policy objective_categories_insert on objective_categories;
drop policy objective_categories_update on objective_categories;
drop policy objective_categories_delete on objective_categories;
drop policy users_insert on users;
drop policy users_update on users;
drop policy users_delete on users;
drop policy squads_select on squads;
drop policy squads_insert on squads;
drop policy squads_update on squads;
drop policy squads_delete on squads;
drop policy objectives_select on objectives;
drop policy objectives_insert on objectives;
drop policy objectives_update on objectives;
drop policy objectives_delete on objectives;
drop policy tasks_select on tasks;
drop policy tasks_insert on tasks;
drop policy tasks_update on tasks;
drop policy tasks_delete on tasks;
drop policy objective_categories_junction_select on objective_categories_junction;
drop policy objective_categories_junction_insert on objective_categories_junction;
drop policy objective_categories_junction_update on objective_categories_junction;
drop policy objective_categories_junction_delete on objective_categories_junction;

drop policy guilds_select on guilds;
drop policy ai_commanders_select on ai_commanders;
drop policy ranks_select on ranks;
drop policy access_levels_select on access_levels;
drop policy objective_categories_select on objective_categories;
drop policy users_select on users;
create policy guilds_select on guilds for select to sphereconnect_app using (id = (select current_guild()));
create policy ai_commanders_select on ai_commanders
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy ranks_select on ranks
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy access_levels_select on access_levels
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy objective_categories_select on objective_categories
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy users_select on users
    for select to sphereconnect_app using (guild_id = (select current_guild()));
create policy users_update on users
    for update to sphereconnect_app
    using (guild_id = (select current_guild())) with check (guild_id = (select current_guild()));
create policy squads_all on squads
    for all to sphereconnect_app
    using (guild_id = (select current_guild())) with check (guild_id = (select current_guild()));
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

revoke update (description, sign_in_failures_max, sign_in_lock_minutes, session_hours, session_idle_minutes, journal_days)
on guilds from sphereconnect_app;
revoke insert (guild_id, name, phonetic, system_prompt, user_prompt), update (name, phonetic, system_prompt, user_prompt)
on ai_commanders from sphereconnect_app;
revoke insert (guild_id, name, user_actions), update (name, user_actions) on access_levels from sphereconnect_app;
revoke insert (guild_id, name, phonetic, access_levels, hierarchy_level, clearance),
    update (name, phonetic, access_levels, hierarchy_level, clearance)
on ranks from sphereconnect_app;
revoke insert (guild_id, name, phonetic, description), update (name, phonetic, description)
on objective_categories from sphereconnect_app;
revoke insert (guild_id, name, phonetic, availability, rank, preferences, squad_id), update (name)
on users from sphereconnect_app;
revoke insert (guild_id, name, phonetic, squad_lead), update (name, phonetic, squad_lead) on squads from sphereconnect_app;
grant insert, update, delete on squads to sphereconnect_app;
revoke insert (guild_id, name, phonetic, description, preferences, priority, applicable_rank, progress, status, lead_id,
    squad_id)
on objectives from sphereconnect_app;
grant insert on objectives to sphereconnect_app;
revoke insert (guild_id, objective_id, name, phonetic, description, status, priority, progress, self_assignment, lead_id,
    squad_id, schedule)
on tasks from sphereconnect_app;
grant insert on tasks to sphereconnect_app;
revoke insert (guild_id, objective_id, category_id) on objective_categories_junction from sphereconnect_app;
grant insert, delete on objective_categories_junction to sphereconnect_app;

drop trigger a_session on guilds;
drop trigger allowed on guilds;
drop trigger a_session on ai_commanders;
drop trigger a_session on access_levels;
drop trigger allowed on access_levels;
drop trigger a_session on ranks;
drop trigger allowed on ranks;
drop trigger a_session on squads;
drop trigger a_session on objective_categories;
drop trigger session_new on users;
drop trigger a_session on users;
drop trigger a_session_new on objectives;
drop trigger a_session on objectives;
drop trigger a_session_new on tasks;
drop trigger a_session on tasks;
drop trigger a_session on objective_categories_junction;
drop trigger rank_given on users;
drop trigger allowed on users;
drop trigger allowed on tasks;
drop trigger allowed on objectives;
create or replace function rank_change_is_allowed() returns trigger
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
create or replace function session_token_hash() returns text
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
create or replace function objective_measure(objective uuid, metric text, amount double precision) returns jsonb
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
create or replace function objective_describe(objective uuid, section text, body text) returns void
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

create or replace function current_guild() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select s.guild_id from user_sessions s join guilds g on g.id = s.guild_id
    where s.token_hash = session_token_hash() and s.expires_at > statement_timestamp()
        and s.last_seen_at > statement_timestamp() - make_interval(mins => g.session_idle_minutes);
end;
create or replace function current_member() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select s.user_id from user_sessions s join guilds g on g.id = s.guild_id
    where s.token_hash = session_token_hash() and s.expires_at > statement_timestamp()
        and s.last_seen_at > statement_timestamp() - make_interval(mins => g.session_idle_minutes);
end;
create or replace function current_clearance() returns text
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(r.clearance, 'brief')
    from users u left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = current_guild() and u.id = current_member();
end;
create or replace function current_rank_level() returns integer
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select r.hierarchy_level
    from users u join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = current_guild() and u.id = current_member();
end;
create or replace function current_actions() returns text[]
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(array_agg(distinct action order by action), '{}')
    from users u
        join ranks r on r.guild_id = u.guild_id and r.id = u.rank
        join access_levels l on l.guild_id = r.guild_id and l.id = any (r.access_levels)
        cross join unnest(l.user_actions) as granted (action)
    where u.guild_id = current_guild() and u.id = current_member();
end;
create or replace function visible_rank_names() returns text[]
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(array_agg(name order by hierarchy_level), '{}')
    from ranks where guild_id = current_guild() and hierarchy_level >= current_rank_level();
end;
create or replace function objective_is_visible(objective uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select exists (
        select from objectives
        where guild_id = current_guild() and id = objective
            and (applicable_rank is null or applicable_rank = any (visible_rank_names())));
end;
create or replace function objective_sections(objective uuid) returns jsonb
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

drop function category_unlink(uuid, uuid);
drop function category_remove(uuid);
drop function access_level_remove(uuid);
drop function rank_remove(uuid);
drop function guild_change_is_allowed();
drop function access_level_is_own();
drop function rank_is_below();
drop function session_is_one();
drop function link_in_sight(uuid, uuid, member_sight);
drop function task_in_sight(uuid, uuid, uuid, boolean, member_sight);
drop function objective_in_sight(uuid, text, uuid, member_sight);
drop function is_in(uuid, uuid);
drop function current_sight();
drop type member_sight;
drop function user_change_is_allowed();
drop function task_change_is_allowed();
drop function objective_change_is_allowed();
drop function member_remove(uuid);
drop function objective_set_metrics(uuid, jsonb);
drop function not_permitted(text);
drop function changed_columns(jsonb, jsonb);
drop function is_bound(oid);
drop function guild_names();
drop function objective_name(uuid);
drop function is_no_senior_level(uuid);
drop function may_give(uuid[]);
drop function is_above(uuid);
drop function current_squad();
drop index idx_objectives_applicable_rank;
drop function hidden_objectives();
drop function sees_tasks();
drop function sees_objectives();
drop function member_may(text);
drop function current_standing();
drop type member_standing;
