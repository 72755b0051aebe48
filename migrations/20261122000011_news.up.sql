-- What a program that runs for hours has to be told: that the guild's names changed, and that somebody speaks to all.
-- A notification carries no content, for a login of the program may listen to any channel; who hears one asks with its
-- own session what there is to know.

-- The channel of the session's guild. Null without a session.
create function guild_channel() returns text
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    return 'guild_' || current_guild();
end
$$;

-- Tells that the names a member can say, or what tells them apart, are not what they were. PostgreSQL sends equal
-- notifications of a transaction once.
create function tell_names() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform pg_notify('guild_' || coalesce(new.guild_id, old.guild_id), 'names');
    return null;
end
$$;
create trigger tell after insert or delete or update of name, phonetic, rank, squad_id on users
    for each row execute function tell_names();
create trigger tell after insert or delete or update of name, phonetic on squads
    for each row execute function tell_names();
create trigger tell after insert or delete or update of name, phonetic, hierarchy_level, access_levels on ranks
    for each row execute function tell_names();
create trigger tell after delete or update of user_actions on access_levels
    for each row execute function tell_names();
create trigger tell after insert or delete or update of name, phonetic on objective_categories
    for each row execute function tell_names();
create trigger tell after insert or delete or update of name, phonetic, status, applicable_rank on objectives
    for each row execute function tell_names();
create trigger tell after insert or delete or update of name, phonetic, status, objective_id on tasks
    for each row execute function tell_names();

-- What somebody said to the whole guild. Kept as long as the journal is.
create table broadcasts (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    member_id uuid,
    member_name text not null,
    message text not null,
    created_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_broadcasts_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint fk_broadcasts_member foreign key (guild_id, member_id) references users (guild_id, id)
        on delete set null (member_id),
    constraint chk_broadcasts_message check (length(message) between 1 and 2000)
);
create index idx_broadcasts_created_at on broadcasts (guild_id, created_at);
create index idx_broadcasts_member on broadcasts (guild_id, member_id);
alter table broadcasts enable row level security, force row level security;
create policy broadcasts_keeper on broadcasts for all to current_user using (true) with check (true);
create policy broadcasts_select on broadcasts for select to sphereconnect_app using (false);
create policy broadcasts_insert on broadcasts for insert to sphereconnect_app with check (false);
create policy broadcasts_update on broadcasts for update to sphereconnect_app using (false);
create policy broadcasts_delete on broadcasts for delete to sphereconnect_app using (false);
-- What was said cannot be unsaid: the journal has it as a change that undo does not take back.
create trigger journal after insert on broadcasts for each row execute function journal_change('other');

-- Says something to everybody in the session's guild who listens; needs manage_guilds.
create function broadcast(said text) returns uuid
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
    spoken uuid;
begin
    if ('manage_guilds' = any (own.actions)) is not true then
        raise exception using errcode = 'insufficient_privilege', message = 'a broadcast needs the right manage_guilds';
    end if;
    delete from broadcasts b using guilds g
    where b.guild_id = own.guild and g.id = own.guild and b.created_at < now() - make_interval(days => g.journal_days);
    insert into broadcasts (guild_id, member_id, member_name, message)
    select u.guild_id, u.id, u.name, said from users u where u.guild_id = own.guild and u.id = own.member
    returning id into spoken;
    perform pg_notify('guild_' || own.guild, 'broadcast');
    return spoken;
end
$$;

-- What was said to the session's guild after a moment by others than the member, oldest first, at most 20.
create function broadcasts_since(moment timestamptz) returns table (at timestamptz, member text, message text)
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own constant member_standing := current_standing();
begin
    return query select b.created_at, b.member_name, b.message from broadcasts b
        where b.guild_id = own.guild and b.created_at > moment and b.member_id is distinct from own.member
        order by b.created_at limit 20;
end
$$;

revoke execute on function guild_channel(), tell_names(), broadcast(text), broadcasts_since(timestamptz) from public;
grant execute on function guild_channel(), broadcast(text), broadcasts_since(timestamptz) to sphereconnect_app;
