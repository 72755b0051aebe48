-- What keys and checks cannot say, kept by triggers.
--
-- Functions that look at other rows run as their owner (`security definer`), so that they see the whole guild whoever
-- writes; their search path is fixed, temporary objects last, so that nobody slips them a table of his own.
-- A refusal carries the name of a constraint, like PostgreSQL's own, so that a caller can tell refusals apart.

-- updated_at: the moment of the change itself. now() would give two changes of one transaction the same stamp.
create function touch_updated_at() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end
$$;
create trigger touch before update on guilds for each row execute function touch_updated_at();
create trigger touch before update on users for each row execute function touch_updated_at();
create trigger touch before update on ai_commanders for each row execute function touch_updated_at();
create trigger touch before update on squads for each row execute function touch_updated_at();
create trigger touch before update on ranks for each row execute function touch_updated_at();
create trigger touch before update on access_levels for each row execute function touch_updated_at();
create trigger touch before update on objectives for each row execute function touch_updated_at();
create trigger touch before update on tasks for each row execute function touch_updated_at();
create trigger touch before update on objective_categories for each row execute function touch_updated_at();

-- preferences: free text, but "Mining " and "mining" are one. Blank ones and repetitions go, the order stays.
create function tidy_preferences() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    new.preferences := array(
        select lower(btrim(word)) from unnest(new.preferences) with ordinality as given (word, place)
        where btrim(word) <> '' group by 1 order by min(place));
    return new;
end
$$;
create trigger preferences before insert or update of preferences on users
    for each row when (new.preferences is not null) execute function tidy_preferences();
create trigger preferences before insert or update of preferences on objectives
    for each row when (new.preferences is not null) execute function tidy_preferences();

-- objectives.categories says again what the junction says. The junction is the truth, because its keys are checked.
create function objective_category_ids(guild uuid, objective uuid) returns uuid[]
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(array_agg(category_id order by created_at, category_id), '{}')
    from objective_categories_junction where guild_id = guild and objective_id = objective;
end;

create function junction_fills_categories() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    one record := case when tg_op = 'DELETE' then old else new end;
begin
    -- Two members may add a category at the same moment: the lock makes the second wait, and the statement after it
    -- sees what the first wrote.
    perform from objectives where guild_id = one.guild_id and id = one.objective_id for no key update;
    update objectives set categories = objective_category_ids(guild_id, id)
    where guild_id = one.guild_id and id = one.objective_id;
    return null;
end
$$;
create trigger fill_categories after insert or delete on objective_categories_junction
    for each row execute function junction_fills_categories();

-- A row of the junction is made or removed; changing one would leave an array behind.
create function junction_is_not_changed() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
    raise exception using errcode = 'check_violation', constraint = 'chk_obj_cat_junction_fixed',
        table = 'objective_categories_junction',
        message = 'a category''s link to an objective cannot be changed; delete it and add another';
end
$$;
create trigger fixed before update on objective_categories_junction
    for each row when (row(old.guild_id, old.objective_id, old.category_id)
        is distinct from row(new.guild_id, new.objective_id, new.category_id))
    execute function junction_is_not_changed();

-- Refuses any array that is not the junction's, whoever writes it: there is no secret door to lock.
create function categories_follow_junction() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if new.categories is distinct from objective_category_ids(new.guild_id, new.id) then
        raise exception using errcode = 'check_violation', constraint = 'chk_objectives_categories',
            table = 'objectives',
            message = 'the categories of an objective are written through objective_categories_junction';
    end if;
    return new;
end
$$;
create trigger categories_new before insert on objectives
    for each row when (cardinality(new.categories) > 0) execute function categories_follow_junction();
create trigger categories_changed before update on objectives
    for each row when (new.categories <> old.categories) execute function categories_follow_junction();

-- ranks.access_levels: an array of ids has no foreign key, so these two are one. The key-share lock is what a foreign
-- key takes too: a level cannot go away between this look and the commit.
create function rank_access_levels_exist() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform from access_levels where guild_id = new.guild_id and id = any (new.access_levels) for key share;
    if exists (
        select from unnest(new.access_levels) as wanted (id)
        where not exists (select from access_levels l where l.guild_id = new.guild_id and l.id = wanted.id)
    ) then
        raise exception using errcode = 'foreign_key_violation', constraint = 'fk_ranks_access_levels', table = 'ranks',
            message = format('rank "%s" names an access level that its guild does not have', new.name);
    end if;
    return new;
end
$$;
create trigger access_levels_exist before insert or update of access_levels, guild_id on ranks
    for each row when (new.access_levels is not null) execute function rank_access_levels_exist();

create function access_level_is_free() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    holder text;
begin
    -- Deleting a guild takes its levels and ranks in no particular order, and the guild's row first.
    select r.name into holder from ranks r join guilds g on g.id = r.guild_id
    where r.guild_id = old.guild_id and old.id = any (r.access_levels) limit 1;
    if holder is not null then
        raise exception using errcode = 'foreign_key_violation', constraint = 'fk_ranks_access_levels',
            table = 'access_levels',
            message = format('access level "%s" is in use by rank "%s"; take it from the rank first', old.name, holder);
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger in_use before delete on access_levels for each row execute function access_level_is_free();
create trigger in_use_key before update of id, guild_id on access_levels
    for each row when (row(old.guild_id, old.id) is distinct from row(new.guild_id, new.id))
    execute function access_level_is_free();

-- objectives.applicable_rank: the name of a rank of the guild. `on update cascade` on a key that holds the guild would
-- stop the tables from being spread by guild, hence triggers: the name must exist, a rename carries over, and a rank
-- that is named cannot be deleted.
create function applicable_rank_exists() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform from ranks where guild_id = new.guild_id and name = new.applicable_rank for key share;
    if not found then
        raise exception using errcode = 'foreign_key_violation', constraint = 'fk_objectives_applicable_rank',
            table = 'objectives',
            message = format('there is no rank "%s" in this guild to show the objective to', new.applicable_rank);
    end if;
    return new;
end
$$;
create trigger applicable_rank_exists before insert or update of applicable_rank, guild_id on objectives
    for each row when (new.applicable_rank is not null) execute function applicable_rank_exists();

create function rank_rename_carries_over() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update objectives set applicable_rank = new.name
    where guild_id = new.guild_id and applicable_rank = old.name;
    return null;
end
$$;
create trigger rename after update on ranks
    for each row when (old.name is distinct from new.name) execute function rank_rename_carries_over();

create function rank_is_not_applicable() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if exists (
        select from objectives o join guilds g on g.id = o.guild_id
        where o.guild_id = old.guild_id and o.applicable_rank = old.name
    ) then
        raise exception using errcode = 'foreign_key_violation', constraint = 'fk_objectives_applicable_rank',
            table = 'ranks',
            message = format('rank "%s" decides who sees an objective; change the objective first', old.name);
    end if;
    return old;
end
$$;
create trigger in_use before delete on ranks for each row execute function rank_is_not_applicable();

-- Status, progress and metrics agree. Completing means 100; a completed row cannot go back without being reopened, and
-- reopening starts again from what the metrics say, else from nothing. Metrics with a target drive an objective's
-- progress whenever they change.
create function objective_progress_agrees() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    was_completed boolean := tg_op = 'UPDATE' and old.status = 'completed';
    measured boolean := tg_op = 'INSERT' or old.description -> 'metrics' is distinct from new.description -> 'metrics';
    reopened boolean := was_completed and new.status <> 'completed' and new.progress = 100;
begin
    if new.status = 'completed' then
        if not was_completed then
            new.progress := 100;
        elsif new.progress < 100 then
            raise exception using errcode = 'check_violation', constraint = 'chk_objectives_completed',
                table = 'objectives',
                message = format('objective "%s" is completed; reopen it before lowering its progress', new.name);
        end if;
    elsif measured or reopened then
        -- An invalid description is left to its own check, which runs after this.
        new.progress := coalesce(
            case when description_is_valid(new.description) then metrics_share(new.description) end,
            case when reopened then 0 else new.progress end);
    end if;
    return new;
end
$$;
create trigger progress before insert or update on objectives
    for each row execute function objective_progress_agrees();

create function task_progress_agrees() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    was_completed boolean := tg_op = 'UPDATE' and old.status = 'completed';
begin
    if new.status = 'completed' then
        if not was_completed then
            new.progress := 100;
        elsif new.progress < 100 then
            raise exception using errcode = 'check_violation', constraint = 'chk_tasks_completed', table = 'tasks',
                message = format('task "%s" is completed; reopen it before lowering its progress', new.name);
        end if;
    elsif was_completed and new.progress = 100 then
        new.progress := 0;
    end if;
    return new;
end
$$;
create trigger progress before insert or update on tasks for each row execute function task_progress_agrees();

-- schedule.timezone: the list of zones changes with the system, so no check (which must hold for ever) may ask it.
-- Listing them reads some hundred files: only a changed name is looked up, and UTC never.
create function schedule_timezone_exists() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    zone text := new.schedule ->> 'timezone';
begin
    if zone = 'UTC' or (tg_op = 'UPDATE' and zone is not distinct from old.schedule ->> 'timezone') then
        return new;
    end if;
    if not exists (select from pg_timezone_names where name = zone) then
        raise exception using errcode = 'check_violation', constraint = 'chk_tasks_timezone', table = 'tasks',
            message = format('"%s" is no time zone; say UTC or a name like Europe/Berlin', zone);
    end if;
    return new;
end
$$;
create trigger timezone before insert or update of schedule on tasks
    for each row when (jsonb_typeof(new.schedule -> 'timezone') = 'string')
    execute function schedule_timezone_exists();

revoke execute on function
    touch_updated_at(), tidy_preferences(), objective_category_ids(uuid, uuid), junction_fills_categories(),
    junction_is_not_changed(), categories_follow_junction(), rank_access_levels_exist(), access_level_is_free(),
    applicable_rank_exists(), rank_rename_carries_over(), rank_is_not_applicable(), objective_progress_agrees(),
    task_progress_agrees(), schedule_timezone_exists()
from public;
