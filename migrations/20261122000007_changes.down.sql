-- The images move back into the turns, in their order; a change that no turn tells of has no place there and goes.
drop trigger journal on objective_categories_junction;
drop trigger journal on objective_categories;
drop trigger journal on tasks;
drop trigger journal on objectives;
drop trigger journal on ai_commanders;
drop trigger journal on access_levels;
drop trigger journal on ranks;
drop trigger journal on squads;
drop trigger journal on users;

alter table journal add before jsonb, add after jsonb;
update journal j set before = moved.before, after = moved.after
from (
    select guild_id, created_at, made_in,
        jsonb_agg(case when kind = 'other' then before
            else jsonb_build_object('kind', kind, 'id', row_id, 'row', before) end order by id) as before,
        jsonb_agg(case when kind = 'other' then after
            else jsonb_build_object('kind', kind, 'id', row_id, 'row', after) end order by id) as after
    from journal_changes group by 1, 2, 3
) as moved
where j.guild_id = moved.guild_id and j.created_at = moved.created_at and j.made_in = moved.made_in;

drop function journal_prune(integer);
drop function undo_last();
drop function journal_used(text, uuid, uuid[]);
drop function journal_restore(text, jsonb, jsonb);
drop function journal_is(jsonb, jsonb);
drop function journal_row(text, jsonb);
drop function journal_read(uuid, timestamptz, integer);
drop function journal_story(uuid, text[], text, text[], xid8, timestamptz);
drop function changes_now();
drop function journal_find(uuid);
drop function journal_write(uuid, text, text, boolean, text, jsonb, text, text);
drop function journal_hash(uuid, text);
drop function journal_commands(jsonb, boolean, text);
drop function journal_fields(uuid, jsonb, jsonb, jsonb);
drop function journal_visible(uuid, text[], text, text, uuid, jsonb);
drop function journal_reader();
drop function clearance_covers(text, text);
drop function journal_changes_of(uuid, xid8, timestamptz);
drop function journal_change();
drop function journal_image(text, jsonb);
drop table journal_keys;
drop table journal_changes;
drop function journal_table(text);

drop policy journal_delete on journal;
drop policy journal_update on journal;
drop policy journal_insert on journal;
create policy journal_insert on journal
    for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and member_id = (select current_member()));
revoke all on journal from sphereconnect_app;
grant select, insert on journal to sphereconnect_app;
drop index idx_journal_undone_open;
drop index idx_journal_member;
alter table journal drop made_in, drop heard_hash, drop rights, drop rank_level, drop clearance, drop undoes,
    drop undone_at, drop undone_by;
