-- The journal, kept by the database itself: what was changed, by whom, and how it was before.
--
-- `journal` says what a member ordered, one row a turn. `journal_changes` says what became of it, one row for every
-- change of a row, written by triggers: nobody who signs in can change the guild without it, whatever program he uses.
--
-- A turn and its changes are one transaction, and that is how they find each other: by the transaction's number
-- together with the moment it began. The number alone would not do, for a restored database counts anew.

-- Which table a kind of row is kept in. The kinds are the words of the journal.
create function journal_table(kind text) returns text
    language sql immutable strict parallel safe
begin atomic
    select case kind
        when 'access_level' then 'access_levels' when 'rank' then 'ranks' when 'squad' then 'squads'
        when 'member' then 'users' when 'category' then 'objective_categories' when 'commander' then 'ai_commanders'
        when 'objective' then 'objectives' when 'task' then 'tasks'
        when 'category_link' then 'objective_categories_junction' end;
end;

-- `before` is null for a row that was made, `after` for one that was removed. The kind `other` holds what an earlier
-- release's images may contain and no trigger writes. `id` grows in the order of the changes.
create table journal_changes (
    guild_id uuid not null,
    id bigint generated always as identity,
    made_in xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    member_id uuid not null,
    kind text not null,
    row_id uuid not null,
    before jsonb,
    after jsonb,
    primary key (guild_id, id),
    constraint fk_journal_changes_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint chk_journal_changes_kind check (kind = 'other' or journal_table(kind) is not null)
);
create index idx_journal_changes_made on journal_changes (guild_id, created_at desc, made_in);

-- The key that heard words are hashed with, one a guild. Without it a short order could be found by trying.
create table journal_keys (
    guild_id uuid not null,
    key bytea not null,
    primary key (guild_id),
    constraint fk_journal_keys_guild foreign key (guild_id) references guilds (id) on delete cascade
);

-- A turn keeps the standing its member had: what they could do then decides whether they may take it back now.
-- `undoes` names the turn that this one took back, `undone_by` the turn that took this one back.
alter table journal
    add made_in xid8 not null default pg_current_xact_id(),
    add heard_hash text,
    add rights text[],
    add rank_level integer,
    add clearance text,
    add undoes uuid,
    add undone_at timestamptz,
    add undone_by uuid;
create index idx_journal_member on journal (guild_id, member_id, created_at desc);
create index idx_journal_undone_open on journal (guild_id, undone_at) where undone_at is not null and undone_by is null;

-- The images of earlier turns move over, element by element and with every key. Earlier turns have no transaction's
-- number; any number that tells them apart will do.
update journal set made_in = numbered.place::text::xid8
from (select guild_id, id, row_number() over (order by created_at, id) as place from journal) as numbered
where journal.guild_id = numbered.guild_id and journal.id = numbered.id;

insert into journal_changes (guild_id, made_in, created_at, member_id, kind, row_id, before, after)
select j.guild_id, j.made_in, j.created_at, j.member_id,
    case when plain then pair.one ->> 'kind' else 'other' end,
    case when plain then (pair.one ->> 'id')::uuid else j.id end,
    case when plain then nullif(pair.b -> 'row', 'null') else pair.b end,
    case when plain then nullif(pair.a -> 'row', 'null') else pair.a end
from journal j cross join lateral (
    select place, b, a, coalesce(b, a) as one,
        coalesce((
            select bool_and(jsonb_typeof(side) = 'object' and side - array['kind', 'id', 'row'] = '{}'
                and journal_table(side ->> 'kind') is not null and side ->> 'kind' = coalesce(b, a) ->> 'kind'
                and side ->> 'id' = coalesce(b, a) ->> 'id'
                and side ->> 'id' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')
            from unnest(array[b, a]) as side), false) as plain
    from jsonb_array_elements(case jsonb_typeof(j.before) when 'array' then j.before else '[]' end)
            with ordinality as was (b, place)
        full join jsonb_array_elements(case jsonb_typeof(j.after) when 'array' then j.after else '[]' end)
            with ordinality as became (a, place) using (place)
) as pair
order by j.created_at, j.id, pair.place;

alter table journal drop before, drop after;

-- What the journal keeps of a row: its own columns. A member's are listed one by one, so that no secret gets in by
-- being added to the table; an objective's categories are told by their links.
create function journal_image(kind text, whole jsonb) returns jsonb
    language sql immutable strict parallel safe
begin atomic
    select case kind
        when 'member' then jsonb_build_object(
            'guild_id', whole -> 'guild_id', 'id', whole -> 'id', 'name', whole -> 'name',
            'phonetic', whole -> 'phonetic', 'availability', whole -> 'availability', 'rank', whole -> 'rank',
            'preferences', whole -> 'preferences', 'squad_id', whole -> 'squad_id', 'created_at', whole -> 'created_at')
        when 'objective' then whole - array['updated_at', 'categories']
        else whole - 'updated_at' end;
end;

-- Writes a change down. It runs after the row is changed and in the same transaction, so what is undone is not written.
-- A change without a session is the keeper's own (an import, a repair) and is not written. Nobody else has any: a
-- client might take its token away in the very statement that changes a row, and is refused.
-- The time zone and the digits are fixed, for images are compared and a client may set both.
create function journal_change() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp set timezone = 'UTC' set extra_float_digits = 1
as $$
declare
    what constant text := tg_argv[0];
    was constant jsonb := journal_image(what, to_jsonb(old));
    became constant jsonb := journal_image(what, to_jsonb(new));
    one constant jsonb := coalesce(became, was);
    speaker uuid;
begin
    -- A sign-in's counters are no change. An objective or a task that is set to what it is stays a turn's business:
    -- its reply says how it stands. An objective whose categories follow their links is told by the links.
    if was = became and (what not in ('objective', 'task')
        or to_jsonb(old) -> 'categories' is distinct from to_jsonb(new) -> 'categories') then
        return null;
    end if;
    if coalesce(current_setting('sphereconnect.token', true), '') <> '' and current_guild() = (one ->> 'guild_id')::uuid then
        speaker := current_member();
    end if;
    if speaker is null then
        if pg_has_role(session_user, (select relowner from pg_class where oid = tg_relid), 'usage') then
            return null;
        end if;
        raise exception using errcode = 'insufficient_privilege',
            message = 'a change is signed by the session that makes it, and there is none any more';
    end if;
    perform standing_is_current();
    if exists (
        select from journal_changes c
        where c.guild_id = (one ->> 'guild_id')::uuid and c.created_at = now() and c.made_in = pg_current_xact_id()
            and c.member_id <> speaker
    ) then
        raise exception using errcode = 'insufficient_privilege',
            message = 'a transaction is one member''s; another has changed something in it';
    end if;
    insert into journal_changes (guild_id, member_id, kind, row_id, before, after)
    values ((one ->> 'guild_id')::uuid, speaker, what,
        case when what = 'category_link' then md5((one ->> 'objective_id') || (one ->> 'category_id'))::uuid
            else (one ->> 'id')::uuid end,
        was, became);
    return null;
end
$$;
-- Not when only a sign-in counts: that is no change, and a guess at a member must not take longer than one at nobody.
create trigger journal after insert or delete
    or update of guild_id, id, name, phonetic, availability, rank, preferences, squad_id, created_at on users
    for each row execute function journal_change('member');
create trigger journal after insert or update or delete on squads
    for each row execute function journal_change('squad');
create trigger journal after insert or update or delete on ranks
    for each row execute function journal_change('rank');
create trigger journal after insert or update or delete on access_levels
    for each row execute function journal_change('access_level');
create trigger journal after insert or update or delete on ai_commanders
    for each row execute function journal_change('commander');
create trigger journal after insert or update or delete on objectives
    for each row execute function journal_change('objective');
create trigger journal after insert or update or delete on tasks
    for each row execute function journal_change('task');
create trigger journal after insert or update or delete on objective_categories
    for each row execute function journal_change('category');
create trigger journal after insert or delete on objective_categories_junction
    for each row execute function journal_change('category_link');

-- What a transaction came to: for each row it touched the first image before and the last image after.
create function journal_changes_of(guild uuid, number xid8, began timestamptz)
    returns table (kind text, row_id uuid, before jsonb, after jsonb, member_id uuid, place bigint)
    language sql stable set search_path = pg_catalog, public, pg_temp
begin atomic
    select c.kind, c.row_id, (array_agg(c.before order by c.id))[1], (array_agg(c.after order by c.id desc))[1],
        (array_agg(c.member_id))[1], max(c.id)
    from journal_changes c where c.guild_id = guild and c.created_at = began and c.made_in = number
    group by c.kind, c.row_id;
end;

-- Whether the first clearance reads what the second does; neither is one without a session.
create function clearance_covers(one text, other text) returns boolean
    language sql immutable parallel safe
begin atomic
    select coalesce(array_position(array['brief', 'tactical', 'classified'], one)
        >= array_position(array['brief', 'tactical', 'classified'], other), false);
end;

-- The session's member with the standing they have now: what current_guild, current_member, current_rank_level,
-- current_clearance, current_actions and visible_rank_names say, asked once instead of row by row. Nulls without a
-- session.
create function journal_reader(out guild uuid, out me uuid, out name text, out level integer, out reads text,
        out rights text[], out sees text[])
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    rank_id uuid;
    level_ids uuid[];
begin
    guild := current_guild();
    me := current_member();
    select u.name, u.rank, coalesce(r.clearance, 'brief'), r.hierarchy_level, r.access_levels
    into journal_reader.name, rank_id, reads, level, level_ids
    from users u left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = guild and u.id = me;
    select coalesce(array_agg(distinct action order by action), '{}') into rights
    from access_levels l cross join unnest(l.user_actions) as granted (action)
    where l.guild_id = guild and l.id = any (level_ids);
    select coalesce(array_agg(r.name order by r.hierarchy_level), '{}') into sees
    from ranks r where r.guild_id = guild and r.hierarchy_level >= level;
end
$$;

-- An image as a reader may see it who sees the objectives of the ranks `sees` and reads up to the clearance `reads`:
-- null for an objective (and its tasks and links) that they do not see, and no section above the clearance. What may be
-- read of a description is listed.
create function journal_visible(guild uuid, sees text[], reads text, what text, one uuid, image jsonb) returns jsonb
    language plpgsql stable set search_path = pg_catalog, public, pg_temp
as $$
declare
    objective constant uuid := case when what = 'objective' then one
        when what in ('task', 'category_link') then coalesce((image ->> 'objective_id')::uuid,
            (select t.objective_id from tasks t where t.guild_id = guild and t.id = one)) end;
    shown boolean;
begin
    if image is null or what = 'other' then
        return null;
    end if;
    if what not in ('objective', 'task', 'category_link') then
        return image;
    end if;
    select o.applicable_rank is null or o.applicable_rank = any (sees) into shown
    from objectives o where o.guild_id = guild and o.id = objective;
    -- An objective that is gone is judged by its image alone; what belonged to it is not shown.
    if coalesce(shown, what = 'objective') and coalesce(image ->> 'applicable_rank' = any (sees), true) then
        return case when image ? 'description' and what = 'objective' then image || jsonb_build_object('description',
            jsonb_strip_nulls(jsonb_build_object(
                'brief', image #> '{description,brief}',
                'tactical', case when clearance_covers(reads, 'tactical') then image #> '{description,tactical}' end,
                'classified', case when clearance_covers(reads, 'classified') then image #> '{description,classified}' end,
                'metrics', image #> '{description,metrics}'))) else image end;
    end if;
    return null;
end
$$;

-- The fields in which two images differ, as people name them: ids become names, and of a description only the sections
-- that differ are left. `names` names rows that are gone. With no other image all of them; null when there are none.
create function journal_fields(guild uuid, names jsonb, image jsonb, other jsonb) returns jsonb
    language plpgsql stable set search_path = pg_catalog, public, pg_temp
as $$
declare
    field record;
    fields jsonb;
    said text;
begin
    for field in
        select e.key, e.value, e.value #>> '{}' as word from jsonb_each(image) e
        where e.key not in ('guild_id', 'id', 'created_at') and (other is null or other -> e.key is distinct from e.value)
    loop
        said := case
            when field.key in ('lead_id', 'squad_lead') then
                (select u.name from users u where u.guild_id = guild and u.id = field.word::uuid)
            when field.key = 'squad_id' then
                (select s.name from squads s where s.guild_id = guild and s.id = field.word::uuid)
            when field.key = 'rank' then (select r.name from ranks r where r.guild_id = guild and r.id = field.word::uuid)
            when field.key = 'objective_id' then
                (select o.name from objectives o where o.guild_id = guild and o.id = field.word::uuid)
            when field.key = 'category_id' then
                (select c.name from objective_categories c where c.guild_id = guild and c.id = field.word::uuid) end;
        said := coalesce(said, names ->> field.word);
        fields := coalesce(fields, '{}') || jsonb_build_object(
            case field.key when 'lead_id' then 'lead' when 'squad_lead' then 'lead' when 'squad_id' then 'squad'
                when 'objective_id' then 'objective' when 'category_id' then 'category' else field.key end,
            case when said is not null then to_jsonb(said)
                when field.key = 'description' and jsonb_typeof(field.value) = 'object' and other is not null then
                    coalesce((select jsonb_object_agg(e.key, e.value) from jsonb_each(field.value) e
                        where other #> array['description', e.key] is distinct from e.value), '{}')
                else field.value end);
    end loop;
    return fields;
end
$$;

-- A turn's commands as a reader may see them: only their actions when something of the turn is hidden from them, and no
-- text of a section above the clearance.
create function journal_commands(commands jsonb, hidden boolean, reads text) returns jsonb
    language sql stable set search_path = pg_catalog, public, pg_temp
begin atomic
    select coalesce(jsonb_agg(case
        when hidden then jsonb_build_object('action', one -> 'action')
        when one ->> 'action' = 'objective.describe' and not clearance_covers(reads, one ->> 'section')
            then one || '{"text": null}'
        else one end order by place), '[]')
    from jsonb_array_elements(commands) with ordinality as listed (one, place);
end;

-- The words of an order as they are compared: no capitals, no punctuation, single blanks. Hashed with the guild's key,
-- which no session can read.
create function journal_hash(guild uuid, words text) returns text
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    plain constant bytea := convert_to(btrim(regexp_replace(lower(words), '[^[:alnum:]]+', ' ', 'g')), 'utf8');
    secret bytea;
begin
    select key into secret from journal_keys where guild_id = guild;
    if not found then
        insert into journal_keys (guild_id, key)
        values (guild, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
        on conflict do nothing;
        select key into secret from journal_keys where guild_id = guild;
    end if;
    -- Hashed twice with the key in front, so that a longer text's hash does not follow from a shorter one's.
    return encode(sha256(secret || sha256(secret || plain)), 'hex');
end
$$;

-- Writes a turn down, signed by the session's member with the standing they have now. The words are hashed, and kept
-- only when `keep` says so. An utterance has one row, ever: false when it has one already, and then the caller takes
-- back what it did. Whatever undo_last took back in this transaction is marked with this turn.
create function journal_write(utterance uuid, source text, words text, keep boolean, route text, commands jsonb,
        outcome text, reply text) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    who constant record := journal_reader();
    turn constant uuid := gen_random_uuid();
    taken uuid;
begin
    if who.me is null then
        raise exception using errcode = 'invalid_authorization_specification',
            message = 'the journal is written by a member who has signed in';
    end if;
    update journal j set undone_by = turn
    where j.guild_id = who.guild and j.member_id = who.me and j.undone_at = now() and j.undone_by is null
    returning j.id into taken;
    insert into journal (guild_id, id, utterance_id, member_id, member_name, source, heard, heard_hash, route, commands,
        outcome, reply, rights, rank_level, clearance, undoes)
    values (who.guild, turn, utterance, who.me, who.name, source, case when keep then words end,
        journal_hash(who.guild, words), route, commands, outcome, reply, who.rights, who.level, who.reads, taken)
    on conflict on constraint uk_journal_guild_utterance do nothing;
    return found;
end
$$;

-- The member's own turn of an utterance, as they may see it today. No row when there is none.
create function journal_find(utterance uuid) returns table (commands jsonb, reply text, route text, outcome text)
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    guild constant uuid := current_guild();
    me constant uuid := current_member();
begin
    return query select journal_commands(j.commands, false, current_clearance()), j.reply, j.route, j.outcome
        from journal j where j.guild_id = guild and j.utterance_id = utterance and j.member_id = me;
end
$$;

-- How the rows stand that this transaction has changed so far: what the words of a reply need, and no more, for who
-- changes a row need not be one who may read it.
create function changes_now() returns table (kind text, row_id uuid, after jsonb)
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    guild constant uuid := current_guild();
    me constant uuid := current_member();
    sees constant text[] := (journal_reader()).sees;
begin
    return query select c.kind, c.row_id, jsonb_strip_nulls(jsonb_build_object('status', c.after -> 'status',
            'progress', c.after -> 'progress', 'schedule', c.after -> 'schedule'))
        from journal_changes_of(guild, pg_current_xact_id_if_assigned(), now()) c where c.member_id = me
            and journal_visible(guild, sees, 'brief', c.kind, c.row_id, c.after) is not null;
end
$$;

-- A transaction's changes as a reader may see them, in the order they were made, and whether something of them is
-- hidden. Each names its row and holds only the fields that differ. `kinds` are those that are shown, null for all.
create function journal_story(guild uuid, sees text[], reads text, kinds text[], number xid8, began timestamptz)
    returns table (changes jsonb, hidden boolean)
    language plpgsql stable set search_path = pg_catalog, public, pg_temp
as $$
declare
    names jsonb;
begin
    select coalesce(jsonb_object_agg(c.row_id, c.before -> 'name'), '{}') into names
    from journal_changes_of(guild, number, began) c where c.after is null and c.before ? 'name';
    return query select
        jsonb_agg(jsonb_build_object('kind', seen.kind, 'id', seen.row_id, 'name', coalesce(seen.became, seen.was) -> 'name',
                'before', journal_fields(guild, names, seen.was, seen.became),
                'after', journal_fields(guild, names, seen.became, seen.was)) order by seen.place)
            filter (where seen.was is distinct from seen.became),
        coalesce(bool_or(seen.was is null and seen.became is null), false)
    from (
        select c.kind, c.row_id, c.place, journal_visible(guild, sees, reads, c.kind, c.row_id, c.before) as was,
            journal_visible(guild, sees, reads, c.kind, c.row_id, c.after) as became
        from (
            select own.kind, own.row_id, own.place,
                case when kinds is null or own.kind = any (kinds) then own.before end as before,
                case when kinds is null or own.kind = any (kinds) then own.after end as after
            from journal_changes_of(guild, number, began) own
            where own.before is not null or own.after is not null
        ) as c
    ) as seen;
end
$$;

-- The journal, newest first: the member's own turns, or with manage_guilds everyone's (of one member, when `who` is
-- given), and the changes that no applied turn tells of, with the source `sql`. Everything is shown as far as the
-- reader's rank and clearance allow today; heard words and replies of a turn that is partly hidden are left out.
create function journal_read(who uuid, since timestamptz, most integer)
    returns table (id uuid, created_at timestamptz, member_name text, source text, heard text, route text,
        commands jsonb, outcome text, reply text, undone_at timestamptz, undone_by uuid, undoes uuid, changes jsonb)
    language plpgsql stable security definer
    set search_path = pg_catalog, public, pg_temp set timezone = 'UTC' set extra_float_digits = 1
as $$
#variable_conflict use_column
declare
    reader constant record := journal_reader();
    guild constant uuid := reader.guild;
    sees constant text[] := reader.sees;
    reads constant text := reader.reads;
    leads constant boolean := 'manage_guilds' = any (reader.rights);
    -- Whose turns: null for everyone's, those of members who have left, too.
    whose constant uuid := case when leads then who else reader.me end;
    lines constant integer := least(greatest(most, 0), 1000);
    -- What others changed is shown as far as the reader may look at such things at all.
    kinds constant text[] := array['access_level', 'rank', 'squad', 'member', 'category', 'commander']
        || case when reader.rights && '{view_objectives,create_objective,manage_objectives}'
            then '{objective,category_link}'::text[] end
        || case when reader.rights && '{view_tasks,manage_tasks}' then '{task}'::text[] end;
    -- The names of what the reader does not see. A command that says one of them is told by its action alone.
    unseen text[];
begin
    if guild is null or (not leads and who <> reader.me) then
        return;
    end if;
    select coalesce(array_agg(name), '{}') into unseen from (
        select o.name from objectives o where o.guild_id = guild and not coalesce(o.applicable_rank = any (sees), true)
        union
        select t.name from objectives o join tasks t on t.guild_id = o.guild_id and t.objective_id = o.id
        where o.guild_id = guild and not coalesce(o.applicable_rank = any (sees), true)
    ) as hidden;
    return query
    with listed as (
        (select j.id, j.made_in, j.created_at, j.member_id, j.member_name, j.source, j.heard, j.route, j.commands, j.outcome, j.reply,
            j.undone_at, j.undone_by, j.undoes
        from journal j
        where j.guild_id = guild and (since is null or j.created_at >= since) and (whose is null or j.member_id = whose)
        order by j.created_at desc, j.id limit lines)
        union all
        (select null, c.made_in, c.created_at, c.member_id, coalesce(min(u.name), 'a former member'), 'sql', null, 'none', '[]'::jsonb,
            'applied', '', null, null, null
        from journal_changes c left join users u on u.guild_id = c.guild_id and u.id = c.member_id
        where c.guild_id = guild and (since is null or c.created_at >= since) and (whose is null or c.member_id = whose)
            and not exists (select from journal j where j.guild_id = c.guild_id and j.created_at = c.created_at
                and j.made_in = c.made_in and j.outcome = 'applied')
        group by c.made_in, c.created_at, c.member_id
        order by c.created_at desc limit lines)
    )
    select l.id, l.created_at, l.member_name, l.source, case when not masked.whole and not masked.words then l.heard end,
        l.route, journal_commands(l.commands, masked.whole, reads), l.outcome, case when not masked.whole then l.reply end,
        l.undone_at, l.undone_by, l.undoes, case when l.outcome = 'applied' then story.changes end
    from (select * from listed order by created_at desc, id limit lines) as l
        cross join lateral journal_story(guild, sees, reads, case when l.member_id <> reader.me then kinds end, l.made_in,
            l.created_at) as story
        cross join lateral (
            -- What the reader said themselves tells them nothing; hiding it would tell that there is such a name.
            select story.hidden or (l.member_id <> reader.me and coalesce(bool_or(one ->> 'objective' = any (unseen)
                    or one ->> 'task' = any (unseen) or one ->> 'name' = any (unseen)), false)) as whole,
                coalesce(bool_or(one ->> 'action' = 'objective.describe'
                    and not clearance_covers(reads, one ->> 'section')), false) as words
            from jsonb_array_elements(l.commands) as one) as masked
    order by l.created_at desc, l.id;
end
$$;

-- Reads a row's image as it stands and locks it; null when it is not there. `key` is any image of it.
create function journal_row(kind text, key jsonb) returns jsonb
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    found_image jsonb;
begin
    execute format('select journal_image($1, to_jsonb(t)) from %I t where t.guild_id = ($2 ->> ''guild_id'')::uuid and %s
            for update', journal_table(kind), case kind
            when 'category_link' then 't.objective_id = ($2 ->> ''objective_id'')::uuid
                and t.category_id = ($2 ->> ''category_id'')::uuid'
            else 't.id = ($2 ->> ''id'')::uuid' end)
        into found_image using kind, key;
    return found_image;
end
$$;

-- Whether a row is as an image says. What later releases added to the row is not asked.
create function journal_is(image jsonb, now_is jsonb) returns boolean
    language sql immutable
begin atomic
    select case when image is null or now_is is null then image is null and now_is is null
        else image = (select jsonb_object_agg(key, now_is -> key) from jsonb_object_keys(image) as key) end;
end;

-- Makes one row what it was: puts it back, changes back the fields that differ, or removes it.
create function journal_restore(kind text, was jsonb, became jsonb) returns void
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    place constant text := journal_table(kind);
    names text;
begin
    if was is null then
        execute format('delete from %I t where t.guild_id = ($1 ->> ''guild_id'')::uuid and %s', place, case kind
            when 'category_link' then 't.objective_id = ($1 ->> ''objective_id'')::uuid
                and t.category_id = ($1 ->> ''category_id'')::uuid'
            else 't.id = ($1 ->> ''id'')::uuid' end) using became;
    elsif became is null then
        select string_agg(quote_ident(key), ', ') into names from jsonb_object_keys(was) as key;
        execute format('insert into %I (%s) select %s from jsonb_populate_record(null::%I, $1)', place, names, names, place)
            using was;
    else
        select string_agg(format('%I = was.%I', key, key), ', ') into names
        from jsonb_each(was) as field (key, value) where value is distinct from became -> key;
        if names is not null then
            execute format('update %I t set %s from jsonb_populate_record(null::%I, $1) as was
                where t.guild_id = was.guild_id and t.id = was.id', place, names, place) using was;
        end if;
    end if;
    if kind in ('objective', 'task') and was is not null then
        -- Status and metrics have moved the progress on their way back.
        execute format('update %I t set progress = ($1 ->> ''progress'')::real where t.guild_id = ($1 ->> ''guild_id'')::uuid
            and t.id = ($1 ->> ''id'')::uuid and t.progress <> ($1 ->> ''progress'')::real', place) using was;
    end if;
end
$$;

-- Whether others use a row that a turn made, so that removing it would take something of theirs along or be refused.
-- `own` are the rows of the turn itself.
create function journal_used(kind text, one uuid, own uuid[]) returns boolean
    language sql stable set search_path = pg_catalog, public, pg_temp
begin atomic
    select case kind
        when 'objective' then
            exists (select from tasks t where t.guild_id = current_guild() and t.objective_id = one and t.id <> all (own))
            or exists (select from objective_categories_junction c where c.guild_id = current_guild()
                and c.objective_id = one and md5(c.objective_id::text || c.category_id::text)::uuid <> all (own))
        when 'category' then
            exists (select from objective_categories_junction c where c.guild_id = current_guild()
                and c.category_id = one and md5(c.objective_id::text || c.category_id::text)::uuid <> all (own))
        when 'squad' then
            exists (select from users u where u.guild_id = current_guild() and u.squad_id = one and u.id <> all (own))
            or exists (select from objectives o where o.guild_id = current_guild() and o.squad_id = one and o.id <> all (own))
            or exists (select from tasks t where t.guild_id = current_guild() and t.squad_id = one and t.id <> all (own))
        else false end;
end;

-- Takes back the newest applied turn of the session's member that is not taken back yet and took nothing back itself:
-- called again, it steps further back. It runs with every right, so it asks first:
--   the member could do today what they could do then (rights, rank and clearance),
--   every row is still as the turn left it, and stays locked so,
--   removing what the turn made takes nothing of others along,
--   and a rank it gives back is still below the member's own.
-- All rows come out as they were, or none is changed. Answers an object whose `outcome` is
--   `undone` with the turn's `commands` and `changes` as the member may see them,
--   `nothing` when there is no such turn, `standing` when the member has lost the standing,
--   `changed` with `what` was changed since and `by` whom, `used` with `what` others use, as far as the member sees it,
--   `impossible` when some rule of the guild stands against it today (a name is taken, a member has left).
-- The caller writes the turn down with journal_write in the same transaction.
create function undo_last() returns jsonb
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp set timezone = 'UTC' set extra_float_digits = 1
as $$
declare
    speaker constant record := journal_reader();
    guild constant uuid := speaker.guild;
    sees constant text[] := speaker.sees;
    reads constant text := speaker.reads;
    -- What is put back comes first, what others stand on before it; what was made goes last, the other way round.
    ladder constant text[] := array['access_level', 'rank', 'squad', 'member', 'category', 'commander', 'objective',
        'task', 'category_link'];
    turn record;
    own uuid[];
    one record;
    found_image jsonb;
begin
    if speaker.me is null then
        raise exception using errcode = 'invalid_authorization_specification',
            message = 'only a member who has signed in takes something back';
    end if;
    perform standing_is_current();
    select j.* into turn from journal j
    where j.guild_id = guild and j.member_id = speaker.me and j.outcome = 'applied' and j.undone_at is null
        and j.undoes is null and j.rights is not null
        and exists (select from journal_changes c
            where c.guild_id = guild and c.created_at = j.created_at and c.made_in = j.made_in)
    order by j.created_at desc, j.id limit 1 for update of j;
    if not found then
        return '{"outcome": "nothing"}';
    end if;
    if (turn.rights <@ speaker.rights and (turn.rank_level is null or speaker.level <= turn.rank_level)
            and clearance_covers(reads, turn.clearance)) is not true then
        return '{"outcome": "standing"}';
    end if;
    select array_agg(c.row_id) into own from journal_changes_of(guild, turn.made_in, turn.created_at) c;
    for one in
        select c.*, journal_visible(guild, sees, reads, c.kind, c.row_id, coalesce(c.after, c.before)) ->> 'name' as seen
        from journal_changes_of(guild, turn.made_in, turn.created_at) c order by array_position(ladder, c.kind), c.row_id
    loop
        if one.member_id <> speaker.me then
            return '{"outcome": "standing"}';
        end if;
        if one.kind = 'other' or (one.kind = 'member' and (one.before is null or one.after is null)) then
            -- A member's image holds no secrets, so a member cannot be brought back whole.
            return '{"outcome": "impossible"}';
        end if;
        found_image := journal_row(one.kind, coalesce(one.after, one.before));
        if not journal_is(one.after, found_image) then
            -- Who changed it last is known when the row is as that change left it; the operator's changes have no name.
            return jsonb_build_object('outcome', 'changed', 'what', one.seen, 'by', case when one.seen is not null then (
                select u.name from (select c.member_id, c.after from journal_changes c
                        where c.guild_id = guild and c.id > one.place and c.kind = one.kind and c.row_id = one.row_id
                        order by c.id desc limit 1) as last
                    join users u on u.guild_id = guild and u.id = last.member_id
                where journal_is(last.after, found_image)) end);
        end if;
        if one.before is null and journal_used(one.kind, one.row_id, own) then
            return jsonb_build_object('outcome', 'used', 'what', one.seen);
        end if;
        if one.kind = 'member' and one.before -> 'rank' is distinct from one.after -> 'rank' and exists (
            select from ranks r where r.guild_id = guild
                and r.id in ((one.before ->> 'rank')::uuid, (one.after ->> 'rank')::uuid)
                and (r.hierarchy_level > speaker.level) is not true) then
            return '{"outcome": "standing"}';
        end if;
    end loop;
    begin
        set constraints all deferred;
        for one in
            select c.* from journal_changes_of(guild, turn.made_in, turn.created_at) c
            where c.before is distinct from c.after
            order by case when c.after is null then 1 when c.before is null then 3 else 2 end,
                array_position(ladder, c.kind) * case when c.before is null then -1 else 1 end, c.place
        loop
            perform journal_restore(one.kind, one.before, one.after);
        end loop;
        set constraints all immediate;
        set constraints fk_squads_lead deferred;
        for one in select c.* from journal_changes_of(guild, turn.made_in, turn.created_at) c loop
            if not journal_is(one.before, journal_row(one.kind, coalesce(one.before, one.after))) then
                raise exception using errcode = 'check_violation', message = 'a row did not come out as it was';
            end if;
        end loop;
    exception when integrity_constraint_violation then
        return '{"outcome": "impossible"}';
    end;
    update journal j set undone_at = now() where j.guild_id = guild and j.id = turn.id;
    return (select jsonb_build_object('outcome', 'undone',
            'commands', journal_commands(turn.commands, story.hidden, reads), 'changes', coalesce(story.changes, '[]'))
        from journal_story(guild, sees, reads, null, turn.made_in, turn.created_at) as story);
end
$$;

-- For the operator's upkeep: removes what is older than its guild's journal_days, at most so many rows of each table,
-- and says how many it removed; 0 means that nothing is left to remove. Changes go before the turns they belong to, so
-- that none is left to look like a change without a turn. It has the rights of who calls it: only the keeper may delete.
create function journal_prune(most integer default 10000) returns bigint
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    changes bigint;
    turns bigint := 0;
begin
    delete from journal_changes where (guild_id, id) in (
        select c.guild_id, c.id from guilds g join journal_changes c on c.guild_id = g.id
            and c.created_at < now() - make_interval(days => g.journal_days) limit most);
    get diagnostics changes = row_count;
    if changes < most then
        delete from journal where (guild_id, id) in (
            select j.guild_id, j.id from guilds g join journal j on j.guild_id = g.id
                and j.created_at < now() - make_interval(days => g.journal_days) limit most);
        get diagnostics turns = row_count;
    end if;
    return changes + turns;
end
$$;

-- None of these is open to everyone; the program's role gets what a turn and a reader of the journal call.
revoke execute on function
    journal_table(text), journal_image(text, jsonb), journal_change(), journal_changes_of(uuid, xid8, timestamptz),
    clearance_covers(text, text), journal_reader(), journal_visible(uuid, text[], text, text, uuid, jsonb),
    journal_fields(uuid, jsonb, jsonb, jsonb), journal_commands(jsonb, boolean, text), journal_hash(uuid, text),
    journal_write(uuid, text, text, boolean, text, jsonb, text, text), journal_find(uuid), changes_now(),
    journal_story(uuid, text[], text, text[], xid8, timestamptz), journal_read(uuid, timestamptz, integer),
    journal_row(text, jsonb), journal_is(jsonb, jsonb), journal_restore(text, jsonb, jsonb),
    journal_used(text, uuid, uuid[]), undo_last(), journal_prune(integer)
from public;
grant execute on function
    journal_write(uuid, text, text, boolean, text, jsonb, text, text), journal_find(uuid), changes_now(),
    journal_read(uuid, timestamptz, integer), undo_last()
to sphereconnect_app;

-- The journal is written and read through the functions above: they sign for the member and hide what is above the
-- reader. What is left to see directly are a member's own rows without words, commands and replies.
revoke select, insert on journal from sphereconnect_app;
grant select (guild_id, id, utterance_id, member_id, member_name, source, route, outcome, created_at, undone_at,
    undone_by, undoes) on journal to sphereconnect_app;
drop policy journal_insert on journal;
create policy journal_insert on journal for insert to sphereconnect_app with check (false);
create policy journal_update on journal for update to sphereconnect_app using (false);
create policy journal_delete on journal for delete to sphereconnect_app using (false);

alter table journal_changes enable row level security, force row level security;
create policy journal_changes_keeper on journal_changes for all to current_user using (true) with check (true);
create policy journal_changes_select on journal_changes for select to sphereconnect_app using (false);
create policy journal_changes_insert on journal_changes for insert to sphereconnect_app with check (false);
create policy journal_changes_update on journal_changes for update to sphereconnect_app using (false);
create policy journal_changes_delete on journal_changes for delete to sphereconnect_app using (false);

alter table journal_keys enable row level security, force row level security;
create policy journal_keys_keeper on journal_keys for all to current_user using (true) with check (true);
create policy journal_keys_select on journal_keys for select to sphereconnect_app using (false);
create policy journal_keys_insert on journal_keys for insert to sphereconnect_app with check (false);
create policy journal_keys_update on journal_keys for update to sphereconnect_app using (false);
create policy journal_keys_delete on journal_keys for delete to sphereconnect_app using (false);
