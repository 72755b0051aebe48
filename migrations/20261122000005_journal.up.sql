-- The journal: a row a turn, written in the same transaction as the turn's change. The document has no such table, but
-- a voice needs one: the unique utterance makes a repeated order return its first outcome instead of being applied
-- again, and the images before and after are what "undo" restores.
--
-- Members come and go and history stays: `member_id` is no foreign key, and the name is kept beside it. `heard` holds
-- the words only where the operator's settings say so. Nobody changes or deletes a row: neither is granted.
create table journal (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    utterance_id uuid not null,
    member_id uuid not null,
    member_name text not null,
    source text not null,
    heard text,
    route text not null,
    commands jsonb not null,
    outcome text not null,
    reply text not null,
    before jsonb,
    after jsonb,
    created_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_journal_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint uk_journal_guild_utterance unique (guild_id, utterance_id),
    constraint chk_journal_commands check (jsonb_typeof(commands) = 'array'),
    constraint chk_journal_outcome check (
        outcome in ('applied', 'answered', 'asked', 'refused', 'queued', 'ignored', 'failed')),
    constraint chk_journal_route check (route in ('local', 'llm', 'none'))
);
create index idx_journal_created_at on journal (guild_id, created_at desc);

alter table journal enable row level security, force row level security;
create policy journal_keeper on journal for all to current_user using (true) with check (true);

-- The images may hold what others must not read, so a member sees their own turns only, and can sign for nobody else.
grant select, insert on journal to sphereconnect_app;
create policy journal_select on journal
    for select to sphereconnect_app
    using (guild_id = (select current_guild()) and member_id = (select current_member()));
create policy journal_insert on journal
    for insert to sphereconnect_app
    with check (guild_id = (select current_guild()) and member_id = (select current_member()));
