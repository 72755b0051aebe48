-- What a member may change is held here, by policies and triggers, and not by the good manners of the program: its login
-- can send any statement. Each rule is the database's half of what `authority.rs` says aloud.
--
-- The functions below answer for the session's member. Policies call them as `(select f(..))`, so that each is asked once
-- a statement and not once a row. The owner of the tables (operators' commands, and functions that run as the owner) is
-- let through; such functions check by themselves.

-- The functions that say who is asking are asked by every statement of a turn, several times. In PL/pgSQL they keep their
-- plans; in SQL, as they were, each call is planned anew, at up to twenty times the cost.
-- Nobody set a token: nothing is visible, as with a wrong one. An error here would come only where a row was found, and
-- so would tell that it is there.
create or replace function session_token_hash() returns text
    language plpgsql stable set search_path = pg_catalog, public, pg_temp
as $$
begin
    return encode(sha256(convert_to(nullif(current_setting('sphereconnect.token', true), ''), 'utf8')), 'hex');
end
$$;

create or replace function current_guild() returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return (
        select s.guild_id from user_sessions s join guilds g on g.id = s.guild_id
        where s.token_hash = session_token_hash() and s.expires_at > clock_timestamp()
            and s.last_seen_at > clock_timestamp() - make_interval(mins => g.session_idle_minutes));
end
$$;

create or replace function current_member() returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return (
        select s.user_id from user_sessions s join guilds g on g.id = s.guild_id
        where s.token_hash = session_token_hash() and s.expires_at > clock_timestamp()
            and s.last_seen_at > clock_timestamp() - make_interval(mins => g.session_idle_minutes));
end
$$;

-- Who the member is, read at once: what follows is a part of it. All null without a session.
create type member_standing as (
    guild uuid, member uuid, squad uuid, rank uuid, level integer, clearance text, actions text[]);
create function current_standing() returns member_standing
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    found_guild constant uuid := current_guild();
    found_member constant uuid := current_member();
    standing member_standing;
begin
    select u.guild_id, u.id, u.squad_id, u.rank, r.hierarchy_level, coalesce(r.clearance, 'brief'),
        array(select distinct action from access_levels l cross join unnest(l.user_actions) as granted (action)
            where l.guild_id = r.guild_id and l.id = any (r.access_levels) order by action)
    into standing
    from users u left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = found_guild and u.id = found_member;
    return standing;
end
$$;

create or replace function current_clearance() returns text
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return (current_standing()).clearance;
end
$$;

create or replace function current_rank_level() returns integer
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return (current_standing()).level;
end
$$;

create or replace function current_actions() returns text[]
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return coalesce((current_standing()).actions, '{}');
end
$$;

create or replace function visible_rank_names() returns text[]
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
begin
    return array(
        select name from ranks where guild_id = own.guild and hierarchy_level >= own.level order by hierarchy_level);
end
$$;

create or replace function objective_is_visible(objective uuid) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
    shown_to text;
begin
    select applicable_rank into shown_to from objectives where guild_id = own.guild and id = objective;
    return found and (shown_to is null or shown_to = any (visible_rank_names()));
end
$$;

create or replace function objective_sections(objective uuid) returns jsonb
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
begin
    return (
        select jsonb_strip_nulls(jsonb_build_object(
            'brief', description -> 'brief',
            'tactical', case when own.clearance in ('tactical', 'classified') then description -> 'tactical' end,
            'classified', case when own.clearance = 'classified' then description -> 'classified' end,
            'metrics', description -> 'metrics'))
        from objectives
        where guild_id = own.guild and id = objective and objective_is_visible(objective));
end
$$;

-- Whether the member's rank grants the action; false without a session.
create function member_may(action text) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return action = any (current_actions());
end
$$;

-- Whether the member may look at objectives at all. Who makes or manages them has to see what came of it.
create function sees_objectives() returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return current_actions() && '{view_objectives,create_objective,manage_objectives}';
end
$$;

-- The same for tasks.
create function sees_tasks() returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return current_actions() && '{view_tasks,manage_tasks}';
end
$$;

-- The objectives that the member must not know of, since they are for ranks above. Few, as a rule: tasks and links of
-- all others need no look at their objective.
create function hidden_objectives() returns uuid[]
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own_guild constant uuid := current_guild();
    shown constant text[] := visible_rank_names();
begin
    return array(
        select id from objectives
        where guild_id = own_guild and applicable_rank is not null and applicable_rank <> all (shown));
end
$$;
create index idx_objectives_applicable_rank on objectives (guild_id, applicable_rank) where applicable_rank is not null;

-- The member's squad; null without one.
create function current_squad() returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return (current_standing()).squad;
end
$$;

-- Whether the member stands above the one with this rank. Who has no rank is below every rank, and above nobody.
create function is_above(rank uuid) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
begin
    return own.level is not null and (rank is null or coalesce((
        select r.hierarchy_level > own.level from ranks r where r.guild_id = own.guild and r.id = rank), false));
end
$$;

-- Whether the member has every action of these access levels. Nobody gives what they do not have.
create function may_give(levels uuid[]) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
begin
    return coalesce((
        select bool_and(l.user_actions <@ own.actions) from access_levels l
        where l.guild_id = own.guild and l.id = any (levels)), true);
end
$$;

-- Whether no rank senior to the member's uses the access level.
create function is_no_senior_level(level uuid) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
begin
    return own.level is not null and not exists (
        select from ranks r
        where r.guild_id = own.guild and level = any (r.access_levels) and r.hierarchy_level < own.level);
end
$$;

-- The name of an objective that may be named to the member: one that is not for ranks above.
create function objective_name(objective uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return (
        select name from objectives
        where guild_id = current_guild() and id = objective and objective_is_visible(objective));
end
$$;

-- Every name that the member can say, and nothing else of what it names: anybody may report for an objective or take a
-- free task, also who may not look at them. `place` puts what is open before what is over (6 and above).
create function guild_names()
    returns table (kind text, id uuid, name text, phonetic text, hint text, parent uuid, place integer)
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant uuid := current_guild();
    shown constant text[] := visible_rank_names();
    sees constant boolean := sees_objectives();
begin
    return query
    with seen as not materialized (
        select o.guild_id, o.id, o.name, o.phonetic, o.status from objectives o
        where o.guild_id = own and (o.applicable_rank is null or o.applicable_rank = any (shown))
    )
    select 'member', u.id, u.name, u.phonetic, coalesce('of ' || s.name, 'a ' || r.name, ''), null::uuid, 0
    from users u
        left join squads s on s.guild_id = u.guild_id and s.id = u.squad_id
        left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = own
    union all
    select 'squad', s.id, s.name, s.phonetic, '', null, 1 from squads s where s.guild_id = own
    union all
    select 'rank', r.id, r.name, r.phonetic, '', null, 2 from ranks r where r.guild_id = own
    union all
    select 'category', c.id, c.name, c.phonetic, '', null, 3 from objective_categories c where c.guild_id = own
    union all
    select 'objective', o.id, o.name, o.phonetic,
        case when sees then 'the ' || replace(o.status, '_', ' ') || ' one' else '' end, null,
        case when o.status in ('active', 'on_hold') then 4 else 6 end
    from seen o
    union all
    select 'task', t.id, t.name, t.phonetic, 'in ' || o.name, t.objective_id,
        case when t.status in ('completed', 'cancelled') then 7 else 5 end
    from seen o join tasks t on t.guild_id = o.guild_id and t.objective_id = o.id;
end
$$;

-- What a member may see, asked once a statement. A policy that asked several questions could be answered for two
-- sessions, for the token can be changed while a statement runs.
create type member_sight as (
    guild uuid, member uuid, ranks text[], objectives boolean, tasks boolean, hidden uuid[]);
create function current_sight() returns member_sight
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
    sight member_sight;
begin
    sight.guild := own.guild;
    sight.member := own.member;
    sight.ranks := array(select name from ranks where guild_id = own.guild and hierarchy_level >= own.level);
    sight.objectives := own.actions && '{view_objectives,create_objective,manage_objectives}';
    sight.tasks := own.actions && '{view_tasks,manage_tasks}';
    sight.hidden := array(
        select id from objectives
        where guild_id = own.guild and applicable_rank is not null and applicable_rank <> all (sight.ranks));
    return sight;
end
$$;

-- The fences. PostgreSQL orders a table's conditions by their cost, and lets a client's own harmless-looking ones (equal
-- text, for one) go before a policy's when they cost less; with an error in them they would tell which rows there are.
-- These cost next to nothing, so they come first. The plain condition on `guild_id` stays beside them for the indexes.
create function is_in(place uuid, own uuid) returns boolean
    language plpgsql immutable cost 0.0001 set search_path = pg_catalog, public, pg_temp
as $$
begin
    return place = own;
end
$$;
create function objective_in_sight(place uuid, shown_to text, lead uuid, own member_sight) returns boolean
    language plpgsql immutable cost 0.0001
as $$
begin
    return place = own.guild and (shown_to is null or shown_to = any (own.ranks)) and (own.objectives or lead = own.member);
end
$$;
create function task_in_sight(place uuid, objective uuid, lead uuid, takeable boolean, own member_sight) returns boolean
    language plpgsql immutable cost 0.0001
as $$
begin
    return place = own.guild and objective <> all (own.hidden)
        and (own.tasks or lead = own.member or (lead is null and takeable));
end
$$;
create function link_in_sight(place uuid, objective uuid, own member_sight) returns boolean
    language plpgsql immutable cost 0.0001
as $$
begin
    return place = own.guild and own.objectives and objective <> all (own.hidden);
end
$$;

-- Whether the statement comes from the program's role, whom the rules below bind, and not from the owner of the table.
create function is_bound(tab oid) returns boolean
    language sql stable set search_path = pg_catalog, public, pg_temp
begin atomic
    select not pg_has_role(current_user, (select relowner from pg_class where oid = tab), 'usage');
end;

-- The columns in which two versions of a row differ; `updated_at` is nobody's change.
create function changed_columns(before jsonb, after jsonb) returns text[]
    language sql immutable set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(array_agg(key order by key), '{}') from jsonb_each(after) as now (key, value)
    where key <> 'updated_at' and value is distinct from before -> key;
end;

-- Refuses, in words that say what would be needed.
create function not_permitted(needed text) returns void
    language plpgsql immutable set search_path = pg_catalog, public, pg_temp
as $$
begin
    raise exception using errcode = 'insufficient_privilege', message = format('not permitted: %s', needed);
end
$$;

-- A change is made in the session of its guild, with one of the rights in the trigger's argument, if any. Policies are
-- asked before the row is known, and the token can be changed in between: this is asked with the row.
create function session_is_one() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    whole constant jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
    if is_bound(tg_relid) then
        perform standing_is_current();
        if ((coalesce(whole ->> 'guild_id', whole ->> 'id'))::uuid = current_guild()
            and (tg_nargs = 0 or current_actions() && string_to_array(tg_argv[0], ','))) is not true
        then
            raise exception using errcode = 'insufficient_privilege',
                message = 'permission denied: a change takes its right, in one session';
        end if;
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger a_session before update on guilds for each row execute function session_is_one('manage_guilds');
create trigger a_session before insert or update on ai_commanders
    for each row execute function session_is_one('manage_guilds');
create trigger a_session before insert or update on access_levels
    for each row execute function session_is_one('manage_guilds,manage_rbac');
create trigger a_session before insert or update on ranks for each row execute function session_is_one('manage_ranks');
create trigger a_session before insert or update on squads for each row execute function session_is_one('manage_squads');
create trigger a_session before insert or update on objective_categories
    for each row execute function session_is_one('create_category,manage_categories,manage_objectives');
-- After the others, which say more clearly what is missing.
create trigger session_new before insert on users for each row execute function session_is_one('manage_users');
create trigger a_session before update of name, phonetic, availability, rank, preferences, squad_id on users
    for each row execute function session_is_one();
create trigger a_session_new before insert on objectives
    for each row execute function session_is_one('create_objective');
create trigger a_session before update on objectives for each row execute function session_is_one();
create trigger a_session_new before insert on tasks for each row execute function session_is_one('manage_tasks');
create trigger a_session before update on tasks for each row execute function session_is_one();
create trigger a_session before insert on objective_categories_junction
    for each row execute function session_is_one();

-- Ranks and access levels, with the row: nothing of them is above the member, before or after.
create function rank_is_below() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    if is_bound(tg_relid) and ((tg_op = 'INSERT' or is_above(old.id))
        and new.hierarchy_level > current_rank_level() and may_give(new.access_levels)
        and array_position(array['brief', 'tactical', 'classified'], new.clearance)
            <= array_position(array['brief', 'tactical', 'classified'], current_clearance())) is not true
    then
        raise exception using errcode = 'insufficient_privilege',
            message = 'permission denied: a rank is made and changed from above, with nothing in it that its maker does not have';
    end if;
    return new;
end
$$;
create trigger allowed before insert or update on ranks for each row execute function rank_is_below();
create function access_level_is_own() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    if is_bound(tg_relid) and (new.user_actions <@ current_actions() and (tg_op = 'INSERT'
        or (old.user_actions <@ current_actions() and is_no_senior_level(old.id)))) is not true
    then
        raise exception using errcode = 'insufficient_privilege',
            message = 'permission denied: an access level holds nothing that its maker does not have, and is no senior rank''s';
    end if;
    return new;
end
$$;
create trigger allowed before insert or update on access_levels
    for each row execute function access_level_is_own();

-- A guild's limits keep it safe from its own leaders, too: guessing stays hard, and the journal a month.
create function guild_change_is_allowed() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    if is_bound(tg_relid) and (new.sign_in_failures_max > greatest(old.sign_in_failures_max, 10)
        or new.sign_in_lock_minutes < least(old.sign_in_lock_minutes, 5)
        or new.journal_days < least(coalesce(old.journal_days, 30), 30))
    then
        perform not_permitted('only the operator loosens these limits so far');
    end if;
    return new;
end
$$;
create trigger allowed before update on guilds for each row execute function guild_change_is_allowed();

-- Removing. A right to delete is a right to lock the whole table, for every guild, so nobody has it: these do it.
create function rank_remove(rank uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    if (member_may('manage_ranks') and is_above(rank)) is not true then
        raise exception using errcode = 'insufficient_privilege',
            message = 'permission denied: ranks are removed by who may manage ranks, and only below their own';
    end if;
    delete from ranks r where r.guild_id = current_guild() and r.id = rank;
    return found;
end
$$;
create function access_level_remove(level uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    if (current_actions() && '{manage_guilds,manage_rbac}' and may_give(array[level]) and is_no_senior_level(level))
        is not true
    then
        raise exception using errcode = 'insufficient_privilege',
            message = 'permission denied: access levels are removed by who may manage the guild and has all that is in them';
    end if;
    delete from access_levels l where l.guild_id = current_guild() and l.id = level;
    return found;
end
$$;
create function category_remove(category uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    if not current_actions() && '{manage_categories,manage_objectives}' then
        raise exception using errcode = 'insufficient_privilege',
            message = 'permission denied: categories are removed by who may manage them';
    end if;
    delete from objective_categories c where c.guild_id = current_guild() and c.id = category;
    return found;
end
$$;
create function category_unlink(objective uuid, category uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    if not (member_may('manage_objectives') and objective_is_visible(objective)) then
        perform not_permitted('an objective leaves a category by who may manage objectives');
    end if;
    delete from objective_categories_junction j
    where j.guild_id = current_guild() and j.objective_id = objective and j.category_id = category;
    return found;
end
$$;

-- Objectives. Making one takes `create_objective`, with no more in it than an order can say; all else takes
-- `manage_objectives`, but for priority, status and progress, which are its lead's too.
create function objective_change_is_allowed() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    ladder constant text[] := array['brief', 'tactical', 'classified'];
    section text;
begin
    if not is_bound(tg_relid) then
        return new;
    end if;
    if tg_op = 'INSERT' then
        foreach section in array array['tactical', 'classified'] loop
            if new.description ? section and (member_may('manage_objectives')
                and array_position(ladder, section) <= array_position(ladder, current_clearance())) is not true
            then
                perform not_permitted(format('the section %s takes manage_objectives and its clearance', section));
            end if;
        end loop;
        if (new.status, new.progress, new.preferences) is distinct from ('active', 0::real, '{}'::text[])
            or coalesce(new.lead_id::text, new.applicable_rank) is not null
        then
            if not member_may('manage_objectives') then
                perform not_permitted('a new objective is active, with nothing reached and nobody''s');
            end if;
        end if;
    elsif not member_may('manage_objectives')
        and not changed_columns(to_jsonb(old), to_jsonb(new)) <@ '{priority,status,progress}'
    then
        perform not_permitted('its lead changes priority, status and progress; all else takes manage_objectives');
    end if;
    return new;
end
$$;
create trigger allowed before insert or update on objectives
    for each row execute function objective_change_is_allowed();

-- Tasks. `manage_tasks` changes all of a task. Its lead moves it on and may give it up; anybody may take one that is
-- free and open to be taken, unless it is another squad's.
create function task_change_is_allowed() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    changed text[];
begin
    if not is_bound(tg_relid) or member_may('manage_tasks') then
        return new;
    end if;
    changed := changed_columns(to_jsonb(old), to_jsonb(new));
    if old.lead_id = current_member() then
        if not (changed <@ '{status,priority,progress,schedule}' or (changed = '{lead_id}' and new.lead_id is null)) then
            perform not_permitted('its lead moves a task on or gives it up; all else takes manage_tasks');
        end if;
    elsif changed <> '{}' and (old.lead_id is null and old.self_assignment and changed = '{lead_id}'
        and new.lead_id = current_member()
        and (old.squad_id is null or old.squad_id is not distinct from current_squad())) is not true
    then
        perform not_permitted('only a free task that is open to volunteers can be taken');
    end if;
    return new;
end
$$;
create trigger allowed before update on tasks for each row execute function task_change_is_allowed();

-- Members. Their own availability, squad, phonetic and preferences are everybody's to change; those of others take a
-- right. Ranks have a trigger of their own.
create function user_change_is_allowed() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    changed text[];
    own boolean;
begin
    if not is_bound(tg_relid) then
        return new;
    end if;
    if tg_op = 'INSERT' then
        if new.squad_id is not null and not member_may('manage_squads') then
            perform not_permitted('members are put into squads by who may manage squads');
        end if;
        return new;
    end if;
    changed := changed_columns(to_jsonb(old), to_jsonb(new));
    own := old.id = current_member();
    if 'squad_id' = any (changed) and not own and not member_may('manage_squads') then
        perform not_permitted('members are put into squads by themselves or who may manage squads');
    end if;
    if changed && '{availability,phonetic,preferences}' and not own and not member_may('manage_users') then
        perform not_permitted('this of another member takes manage_users');
    end if;
    if 'name' = any (changed) and not (member_may('manage_users') and (own or is_above(old.rank))) then
        perform not_permitted('a name takes manage_users, and that of another a rank above theirs');
    end if;
    return new;
end
$$;
create trigger allowed before insert or update of name, phonetic, availability, preferences, squad_id on users
    for each row execute function user_change_is_allowed();

-- A new member is given a rank by the same rule as an old one.
create trigger rank_given before insert on users
    for each row when (new.rank is not null) execute function rank_change_is_allowed();
create or replace function rank_change_is_allowed() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    if not is_bound(tg_relid) then
        return new;
    end if;
    if (member_may('manage_ranks') and is_above(new.rank) and (tg_op = 'INSERT' or is_above(old.rank))) is not true then
        raise exception using errcode = 'insufficient_privilege', table = 'users',
            message = 'a rank is given by members who may manage ranks, and only below their own';
    end if;
    return new;
end
$$;

-- Writes one section of a description, or removes it when `body` is null: who manages objectives, up to their clearance.
-- One that is not visible is refused in the same words whether or not it exists.
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
    if not member_may('manage_objectives') then
        perform not_permitted('descriptions are written by who may manage objectives');
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
exception
    -- PostgreSQL's own error would quote the row, with sections above the member's clearance.
    when check_violation then
        raise exception using errcode = 'check_violation', constraint = 'chk_objectives_description', table = 'objectives',
            message = 'a section is a text';
end
$$;

-- Adds to one of an objective's metrics, as before, and says nothing of the row when the sum is too large.
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
exception
    when check_violation then
        raise exception using errcode = 'check_violation', constraint = 'chk_objectives_description', table = 'objectives',
            message = 'metrics stay below 10^15';
end
$$;

-- Writes the metrics of an objective as a whole, targets too; what a report may not do.
create function objective_set_metrics(objective uuid, metrics jsonb) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if not (member_may('manage_objectives') and objective_is_visible(objective)) then
        perform not_permitted('metrics are set by who may manage objectives');
    end if;
    update objectives set description = case
        when metrics is null then description - 'metrics'
        else description || jsonb_build_object('metrics', metrics) end
    where guild_id = current_guild() and id = objective;
exception
    when check_violation then
        raise exception using errcode = 'check_violation', constraint = 'chk_objectives_description', table = 'objectives',
            message = 'metrics are an object of numbers below 10^15';
end
$$;

-- Removes a member, and the references to them first: those of rows the actor does not see, too. What they did stays in
-- the journal. False when there is no such member.
create function member_remove(member uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    held uuid;
begin
    select rank into held from users where guild_id = current_guild() and id = member for update;
    if not found then
        return false;
    end if;
    if (member_may('manage_users') and is_above(held)) is not true then
        perform not_permitted('members are removed by who may manage users, and only below their own rank');
    end if;
    update squads set squad_lead = null where guild_id = current_guild() and squad_lead = member;
    update objectives set lead_id = null where guild_id = current_guild() and lead_id = member;
    update tasks set lead_id = null where guild_id = current_guild() and lead_id = member;
    delete from users where guild_id = current_guild() and id = member;
    return found;
end
$$;

revoke execute on function
    current_standing(), member_may(text), sees_objectives(), sees_tasks(), hidden_objectives(), current_squad(), is_above(uuid),
    may_give(uuid[]), is_no_senior_level(uuid), objective_name(uuid), guild_names(), is_bound(oid),
    changed_columns(jsonb, jsonb), not_permitted(text), objective_change_is_allowed(), task_change_is_allowed(),
    user_change_is_allowed(), objective_set_metrics(uuid, jsonb), member_remove(uuid), current_sight(), is_in(uuid, uuid),
    objective_in_sight(uuid, text, uuid, member_sight), task_in_sight(uuid, uuid, uuid, boolean, member_sight),
    link_in_sight(uuid, uuid, member_sight), session_is_one(), rank_is_below(), access_level_is_own(),
    guild_change_is_allowed(), rank_remove(uuid), access_level_remove(uuid), category_remove(uuid),
    category_unlink(uuid, uuid)
from public;
-- The triggers run as who writes, so what they call is granted too; it tells nobody more than what they may see.
grant execute on function
    member_may(text), sees_objectives(), sees_tasks(), hidden_objectives(), current_squad(), is_above(uuid),
    may_give(uuid[]), is_no_senior_level(uuid), objective_name(uuid), guild_names(), is_bound(oid),
    changed_columns(jsonb, jsonb), not_permitted(text), objective_set_metrics(uuid, jsonb), member_remove(uuid),
    current_sight(), is_in(uuid, uuid), objective_in_sight(uuid, text, uuid, member_sight),
    task_in_sight(uuid, uuid, uuid, boolean, member_sight), link_in_sight(uuid, uuid, member_sight), rank_remove(uuid),
    access_level_remove(uuid), category_remove(uuid), category_unlink(uuid, uuid)
to sphereconnect_app;

-- A policy for each table and verb. `using (false)` stands where the program's role has nothing to do, so that a later
-- grant opens nothing by itself.

-- What every member reads of their own guild, behind the fence.
drop policy guilds_select on guilds;
create policy guilds_select on guilds for select to sphereconnect_app
    using (id = (select current_guild()) and is_in(id, (select current_guild())));
drop policy ai_commanders_select on ai_commanders;
create policy ai_commanders_select on ai_commanders for select to sphereconnect_app
    using (guild_id = (select current_guild()) and is_in(guild_id, (select current_guild())));
drop policy ranks_select on ranks;
create policy ranks_select on ranks for select to sphereconnect_app
    using (guild_id = (select current_guild()) and is_in(guild_id, (select current_guild())));
drop policy access_levels_select on access_levels;
create policy access_levels_select on access_levels for select to sphereconnect_app
    using (guild_id = (select current_guild()) and is_in(guild_id, (select current_guild())));
drop policy objective_categories_select on objective_categories;
create policy objective_categories_select on objective_categories for select to sphereconnect_app
    using (guild_id = (select current_guild()) and is_in(guild_id, (select current_guild())));
drop policy users_select on users;
create policy users_select on users for select to sphereconnect_app
    using (guild_id = (select current_guild()) and is_in(guild_id, (select current_guild())));

grant update (description, sign_in_failures_max, sign_in_lock_minutes, session_hours, session_idle_minutes, journal_days)
on guilds to sphereconnect_app;
create policy guilds_insert on guilds for insert to sphereconnect_app with check (false);
-- Not the name: whether another guild has it already is nobody's to learn.
create policy guilds_update on guilds for update to sphereconnect_app
    using (id = (select current_guild()) and (select member_may('manage_guilds')))
    with check (id = (select current_guild()));
create policy guilds_delete on guilds for delete to sphereconnect_app using (false);

grant insert (guild_id, name, phonetic, system_prompt, user_prompt), update (name, phonetic, system_prompt, user_prompt)
on ai_commanders to sphereconnect_app;
create policy ai_commanders_insert on ai_commanders for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and (select member_may('manage_guilds')));
create policy ai_commanders_update on ai_commanders for update to sphereconnect_app
    using (guild_id = (select current_guild()) and (select member_may('manage_guilds')))
    with check (guild_id = (select current_guild()));
create policy ai_commanders_delete on ai_commanders for delete to sphereconnect_app using (false);

-- Access levels: nobody touches one that holds an action they do not have, or that a senior rank lives by.
grant insert (guild_id, name, user_actions), update (name, user_actions) on access_levels to sphereconnect_app;
create policy access_levels_insert on access_levels for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and (select current_actions()) && '{manage_guilds,manage_rbac}'::text[]
        and user_actions <@ (select current_actions()));
create policy access_levels_update on access_levels for update to sphereconnect_app
    using (guild_id = (select current_guild()) and (select current_actions()) && '{manage_guilds,manage_rbac}'::text[]
        and user_actions <@ (select current_actions()) and is_no_senior_level(id))
    with check (guild_id = (select current_guild()) and user_actions <@ (select current_actions()));
create policy access_levels_delete on access_levels for delete to sphereconnect_app using (false);

-- Ranks: only below one's own, before and after, with no clearance and no action one does not have.
grant insert (guild_id, name, phonetic, access_levels, hierarchy_level, clearance),
    update (name, phonetic, access_levels, hierarchy_level, clearance)
on ranks to sphereconnect_app;
create policy ranks_insert on ranks for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and (select member_may('manage_ranks'))
        and hierarchy_level > (select current_rank_level()) and may_give(access_levels)
        and array_position(array['brief', 'tactical', 'classified'], clearance)
            <= array_position(array['brief', 'tactical', 'classified'], (select current_clearance())));
create policy ranks_update on ranks for update to sphereconnect_app
    using (guild_id = (select current_guild()) and (select member_may('manage_ranks'))
        and hierarchy_level > (select current_rank_level()))
    with check (guild_id = (select current_guild())
        and hierarchy_level > (select current_rank_level()) and may_give(access_levels)
        and array_position(array['brief', 'tactical', 'classified'], clearance)
            <= array_position(array['brief', 'tactical', 'classified'], (select current_clearance())));
create policy ranks_delete on ranks for delete to sphereconnect_app using (false);

grant insert (guild_id, name, phonetic, description), update (name, phonetic, description)
on objective_categories to sphereconnect_app;
create policy objective_categories_insert on objective_categories for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and (select current_actions())
        && '{create_category,manage_categories,manage_objectives}'::text[]);
create policy objective_categories_update on objective_categories for update to sphereconnect_app
    using (guild_id = (select current_guild()) and (select current_actions())
        && '{manage_categories,manage_objectives}'::text[])
    with check (guild_id = (select current_guild()));
create policy objective_categories_delete on objective_categories for delete to sphereconnect_app using (false);

-- Members are removed by member_remove alone, which clears what points at them.
grant insert (guild_id, name, phonetic, availability, rank, preferences, squad_id), update (name)
on users to sphereconnect_app;
create policy users_insert on users for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and (select member_may('manage_users')));
drop policy users_update on users;
create policy users_update on users for update to sphereconnect_app
    using (guild_id = (select current_guild()) and (id = (select current_member()) or (select member_may('manage_users'))
        or (select member_may('manage_squads')) or (select member_may('manage_ranks'))))
    with check (guild_id = (select current_guild()));
create policy users_delete on users for delete to sphereconnect_app using (false);

revoke insert, update, delete on squads from sphereconnect_app;
grant insert (guild_id, name, phonetic, squad_lead), update (name, phonetic, squad_lead) on squads to sphereconnect_app;
drop policy squads_all on squads;
create policy squads_select on squads for select to sphereconnect_app
    using (guild_id = (select current_guild()) and is_in(guild_id, (select current_guild())));
create policy squads_insert on squads for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and (select member_may('manage_squads')));
create policy squads_update on squads for update to sphereconnect_app
    using (guild_id = (select current_guild()) and (select member_may('manage_squads')))
    with check (guild_id = (select current_guild()));
create policy squads_delete on squads for delete to sphereconnect_app using (false);

-- The moment of making is the database's to say: it tells what was made in this very transaction.
revoke insert on objectives from sphereconnect_app;
grant insert (guild_id, name, phonetic, description, preferences, priority, applicable_rank, progress, status, lead_id,
    squad_id)
on objectives to sphereconnect_app;
drop policy objectives_select on objectives;
create policy objectives_select on objectives for select to sphereconnect_app
    using (guild_id = (select current_guild())
        and objective_in_sight(guild_id, applicable_rank, lead_id, (select current_sight())));
drop policy objectives_insert on objectives;
create policy objectives_insert on objectives for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and (select member_may('create_objective'))
        and (applicable_rank is null or applicable_rank = any ((select visible_rank_names())::text[])));
drop policy objectives_update on objectives;
create policy objectives_update on objectives for update to sphereconnect_app
    using (guild_id = (select current_guild())
        and (applicable_rank is null or applicable_rank = any ((select visible_rank_names())::text[]))
        and ((select member_may('manage_objectives')) or lead_id = (select current_member())))
    with check (guild_id = (select current_guild())
        and (applicable_rank is null or applicable_rank = any ((select visible_rank_names())::text[])));
create policy objectives_delete on objectives for delete to sphereconnect_app using (false);

-- Who may not look at tasks still sees their own, and those that are free to be taken: how else would they take one?
revoke insert on tasks from sphereconnect_app;
grant insert (guild_id, objective_id, name, phonetic, description, status, priority, progress, self_assignment, lead_id,
    squad_id, schedule)
on tasks to sphereconnect_app;
drop policy tasks_select on tasks;
create policy tasks_select on tasks for select to sphereconnect_app
    using (guild_id = (select current_guild())
        and task_in_sight(guild_id, objective_id, lead_id, self_assignment, (select current_sight())));
drop policy tasks_insert on tasks;
create policy tasks_insert on tasks for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and objective_id <> all ((select hidden_objectives())::uuid[])
        and (select member_may('manage_tasks')));
drop policy tasks_update on tasks;
create policy tasks_update on tasks for update to sphereconnect_app
    using (guild_id = (select current_guild()) and objective_id <> all ((select hidden_objectives())::uuid[])
        and ((select member_may('manage_tasks')) or lead_id = (select current_member())
            or (lead_id is null and self_assignment)))
    with check (guild_id = (select current_guild()) and objective_id <> all ((select hidden_objectives())::uuid[]));
create policy tasks_delete on tasks for delete to sphereconnect_app using (false);

-- A category comes with a new objective (`created_at` is the moment its transaction began), or takes the right.
revoke insert, delete on objective_categories_junction from sphereconnect_app;
grant insert (guild_id, objective_id, category_id) on objective_categories_junction to sphereconnect_app;
drop policy objective_categories_junction_all on objective_categories_junction;
create policy objective_categories_junction_select on objective_categories_junction for select to sphereconnect_app
    using (guild_id = (select current_guild()) and link_in_sight(guild_id, objective_id, (select current_sight())));
create policy objective_categories_junction_insert on objective_categories_junction for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and objective_id <> all ((select hidden_objectives())::uuid[])
        and ((select member_may('manage_objectives')) or exists (
            select from objectives o
            where o.guild_id = objective_categories_junction.guild_id
                and o.id = objective_categories_junction.objective_id and o.created_at = now())));
create policy objective_categories_junction_update on objective_categories_junction for update to sphereconnect_app
    using (false);
create policy objective_categories_junction_delete on objective_categories_junction for delete to sphereconnect_app using (false);
