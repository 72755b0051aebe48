-- The eleven tables: guilds, the ten that belong to a guild, and their indexes.
--
-- Keys. `guild_id` stands first in every primary key and every foreign key. With keys on `id` alone a member could
-- hold the rank of another guild, and that guild could then no longer be deleted; foreign-key checks ignore row
-- security, so only the key itself can keep guilds apart. The same shape lets the tables be partitioned or spread over
-- several servers by guild. For that reason no key says `on delete set null` (it would null the guild too) and nothing
-- but guilds is unique without its guild. Whoever removes a member or a squad clears the references first, in the same
-- transaction.
--
-- Nulls. A check passes on null, so what is checked, and every column with a default, is `not null`: a missing list is
-- an empty list.
--
-- Names. "Ann" and "ann" sound the same, so each name is unique in lower case too (`uk_.._lower`).
--
-- Indexes. A query always names its guild, so indexes lead with it, under the documented name where there is one.
-- Left out, because another index answers the same queries:
--   idx_guilds_name, idx_users_guild_name, idx_ai_commanders_guild, idx_squads_guild_name, idx_ranks_guild_name,
--   idx_ranks_guild_hierarchy, idx_access_levels_guild_name, idx_objective_categories_guild_name
--                                   each stands already as the index of its named unique constraint (uk_..)
--   idx_users_rank                  idx_users_guild_rank
--   idx_objectives_status           idx_objectives_guild_status
--   idx_tasks_objective_id          idx_tasks_objective_status begins with it
--   idx_ranks_hierarchy             uk_ranks_guild_hierarchy
--   idx_ai_commanders_name          there is one commander a guild
--   idx_obj_cat_junction_objective  the primary key begins with it
-- The plain idx_.._guild_id stay: equal keys are stored once, so they are the smallest way to a whole guild.

create table guilds (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uk_guilds_name unique (name)
);
create unique index uk_guilds_name_lower on guilds (lower(name));
create index idx_guilds_created_at on guilds (created_at);

create table access_levels (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    user_actions text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_access_levels_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint uk_access_levels_guild_name unique (guild_id, name)
);
create unique index uk_access_levels_guild_name_lower on access_levels (guild_id, lower(name));
create index idx_access_levels_guild_id on access_levels (guild_id);

-- `hierarchy_level` 1 is the most senior. Its uniqueness waits for the end of the statement, or of the transaction on
-- request, so that ranks can change places. `clearance` says which sections of a description the rank reads: the
-- document speaks of officers and NCOs, but ranks are the guild's own.
create table ranks (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    phonetic text,
    access_levels uuid[] not null default '{}',
    hierarchy_level integer not null,
    clearance text not null default 'brief',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_ranks_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint uk_ranks_guild_name unique (guild_id, name),
    constraint uk_ranks_guild_hierarchy unique (guild_id, hierarchy_level) deferrable initially immediate,
    constraint chk_ranks_hierarchy_level check (hierarchy_level >= 1),
    constraint chk_ranks_clearance check (clearance in ('brief', 'tactical', 'classified'))
);
create unique index uk_ranks_guild_name_lower on ranks (guild_id, lower(name));
create index idx_ranks_guild_id on ranks (guild_id);

create table squads (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    phonetic text,
    squad_lead uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_squads_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint uk_squads_guild_name unique (guild_id, name)
);
create unique index uk_squads_guild_name_lower on squads (guild_id, lower(name));
create index idx_squads_guild_id on squads (guild_id);
create index idx_squads_lead on squads (guild_id, squad_lead);

-- A row is a membership: a person in two guilds has two.
create table users (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    phonetic text,
    availability text not null default 'offline',
    rank uuid,
    preferences text[] not null default '{}',
    password text,
    pin text,
    squad_id uuid,
    last_login timestamptz,
    failed_attempts integer not null default 0,
    locked_until timestamptz,
    totp_secret varchar(32),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_users_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint fk_users_rank foreign key (guild_id, rank) references ranks (guild_id, id),
    constraint fk_users_squad foreign key (guild_id, squad_id) references squads (guild_id, id),
    constraint uk_users_guild_name unique (guild_id, name),
    constraint chk_users_availability check (availability in ('online', 'busy', 'offline', 'in_game'))
);
create unique index uk_users_guild_name_lower on users (guild_id, lower(name));
create index idx_users_guild_id on users (guild_id);
create index idx_users_guild_rank on users (guild_id, rank);
create index idx_users_squad_id on users (guild_id, squad_id);
create index idx_users_availability on users (guild_id, availability);
create index idx_users_last_login on users (guild_id, last_login);

-- Users and squads name each other. The key comes after both tables, and waits for the end of the transaction, so that
-- a squad and its first lead can be written, restored and deleted in either order.
alter table squads add constraint fk_squads_lead
    foreign key (guild_id, squad_lead) references users (guild_id, id) deferrable initially deferred;

create table ai_commanders (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null default 'UEE Commander',
    phonetic text,
    system_prompt text not null,
    user_prompt text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_ai_commanders_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint uk_ai_commanders_guild unique (guild_id)
);

create table objective_categories (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    phonetic text,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_objective_categories_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint uk_objective_categories_guild_name unique (guild_id, name)
);
create unique index uk_objective_categories_guild_name_lower on objective_categories (guild_id, lower(name));
create index idx_objective_categories_guild_id on objective_categories (guild_id);

create table objectives (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    phonetic text,
    description jsonb not null default '{}',
    preferences text[] not null default '{}',
    categories uuid[] not null default '{}',
    priority text not null default 'medium',
    applicable_rank text,
    progress real not null default 0.0,
    status text not null default 'active',
    lead_id uuid,
    squad_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_objectives_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint fk_objectives_lead foreign key (guild_id, lead_id) references users (guild_id, id),
    constraint fk_objectives_squad foreign key (guild_id, squad_id) references squads (guild_id, id),
    constraint chk_objectives_description check (description_is_valid(description)),
    constraint chk_objectives_priority check (priority in ('critical', 'high', 'medium', 'low')),
    constraint chk_objectives_progress check (progress >= 0.0 and progress <= 100.0),
    constraint chk_objectives_status check (status in ('active', 'completed', 'cancelled', 'on_hold'))
);
create index idx_objectives_guild_id on objectives (guild_id);
create index idx_objectives_guild_status on objectives (guild_id, status);
create index idx_objectives_priority on objectives (guild_id, priority);
create index idx_objectives_lead_id on objectives (guild_id, lead_id);
create index idx_objectives_squad_id on objectives (guild_id, squad_id);
create index idx_objectives_created_at on objectives (guild_id, created_at);
-- GIN cannot lead with a uuid without an extension; ids are random, so what they find belongs to one guild anyway.
create index idx_objectives_categories on objectives using gin (categories);
create index idx_objectives_description on objectives using gin (description);

create table tasks (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    objective_id uuid not null,
    name text not null,
    phonetic text,
    description text,
    status text not null default 'pending',
    priority text not null default 'medium',
    progress real not null default 0.0,
    self_assignment boolean not null default true,
    lead_id uuid,
    squad_id uuid,
    schedule jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (guild_id, id),
    constraint fk_tasks_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint fk_tasks_objective foreign key (guild_id, objective_id)
        references objectives (guild_id, id) on delete cascade,
    constraint fk_tasks_lead foreign key (guild_id, lead_id) references users (guild_id, id),
    constraint fk_tasks_squad foreign key (guild_id, squad_id) references squads (guild_id, id),
    constraint chk_tasks_priority check (priority in ('critical', 'high', 'medium', 'low')),
    constraint chk_tasks_progress check (progress >= 0.0 and progress <= 100.0),
    constraint chk_tasks_schedule check (schedule_is_valid(schedule)),
    constraint chk_tasks_status check (status in ('pending', 'in_progress', 'completed', 'cancelled', 'on_hold'))
);
create index idx_tasks_guild_id on tasks (guild_id);
create index idx_tasks_objective_status on tasks (guild_id, objective_id, status);
create index idx_tasks_status on tasks (guild_id, status);
create index idx_tasks_priority on tasks (guild_id, priority);
create index idx_tasks_lead_id on tasks (guild_id, lead_id);
create index idx_tasks_squad_id on tasks (guild_id, squad_id);
create index idx_tasks_created_at on tasks (guild_id, created_at);
create index idx_tasks_schedule on tasks using gin (schedule);
-- GIN finds equal values, not "before tonight".
create index idx_tasks_schedule_start on tasks (guild_id, schedule_instant(schedule, 'start'));
create index idx_tasks_schedule_end on tasks (guild_id, schedule_instant(schedule, 'end'));
-- "What have I got to do?" is asked most and wants only what is open, a small part of a grown table.
create index idx_tasks_open_lead on tasks (guild_id, lead_id) where status in ('pending', 'in_progress', 'on_hold');

create table objective_categories_junction (
    guild_id uuid not null,
    objective_id uuid not null,
    category_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (guild_id, objective_id, category_id),
    constraint fk_obj_cat_junction_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint fk_obj_cat_junction_objective foreign key (guild_id, objective_id)
        references objectives (guild_id, id) on delete cascade,
    constraint fk_obj_cat_junction_category foreign key (guild_id, category_id)
        references objective_categories (guild_id, id) on delete cascade
);
create index idx_obj_cat_junction_category on objective_categories_junction (guild_id, category_id);

create table user_sessions (
    guild_id uuid not null,
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    token_hash varchar(255) not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    ip_address varchar(45),
    user_agent text,
    primary key (guild_id, id),
    constraint fk_user_sessions_guild foreign key (guild_id) references guilds (id) on delete cascade,
    constraint fk_user_sessions_user foreign key (guild_id, user_id) references users (guild_id, id) on delete cascade
);
create index idx_user_sessions_user_id on user_sessions (guild_id, user_id);
create index idx_user_sessions_expires_at on user_sessions (guild_id, expires_at);
-- The one index that cannot lead with the guild: a token is looked up to learn which guild it is for. The guild stands
-- behind it for the sake of the rule above; hashes of random tokens do not meet.
create unique index idx_user_sessions_token_hash on user_sessions (token_hash, guild_id);
