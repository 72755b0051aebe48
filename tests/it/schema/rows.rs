//! Defaults, required columns, named constraints and references.

use super::{TENANT_TABLES, gives, refused, run, value, world, world_of};

/// G3, G4, G6, GU3, US2, US3, US5, US8, AI1, AI2, RA3, AL1, OB1 to OB7, TA2 to TA8, I-18, I-28, I-36, I-37: what a row is when
/// nothing is said.
#[tokio::test]
async fn defaults_and_required_columns() {
    let db = world().await;
    gives(
        &db.pool,
        r#"
        I-37 | select 1 | select current_setting('server_version_num')::int >= 150000 | true
        G3 GU3 | insert into guilds (name) values ('C') | select count(id) from guilds where name = 'C'
                and description is null | 1
        US3 US5 US8 | insert into users (guild_id, name) values (@a0, 'Dee') | select availability ||
                preferences::text || failed_attempts from users where name = 'Dee' | offline{}0
        US1 US2 I-36 | insert into users (guild_id, name) values (@a0, 'Dee'), (@b0, 'Dee') | select count(*) from users
                where name = 'Dee' and phonetic is null | 2
        I-28 | select 1 | select string_agg(table_name, ' ' order by table_name) from information_schema.columns
                where table_schema = 'public' and column_name = 'phonetic' and is_nullable = 'YES'
                and table_name not like 'sign\_in\_%' | ai_commanders
                objective_categories objectives ranks squads tasks users
        AI1 | select 1 | select name from ai_commanders where id = @ae | UEE Commander
        RA3 I-21 | insert into ranks (guild_id, name, hierarchy_level) values (@a0, 'R', 9) | select clearance ||
                access_levels::text from ranks where name = 'R' | brief{}
        AL1 | insert into access_levels (guild_id, name) values (@a0, 'L') | select user_actions from access_levels
                where name = 'L' | {}
        OB1 to OB7 | insert into objectives (guild_id, name) values (@a0, 'O'), (@a0, 'O') | select distinct
                row(description, preferences, categories, priority, progress, status)
                from objectives where name = 'O' | ({},{},{},medium,0,active)
        TA2 to TA8 | insert into tasks (guild_id, objective_id, name) values (@a0, @aa, 'T') | select row(description,
                status, priority, progress, self_assignment, schedule) from tasks where name = 'T' |
                (,pending,medium,0,t,{})
        G4 | select 1 | select count(*) from information_schema.columns where table_schema = 'public'
                and table_name not like 'sign\_in\_%' and column_name in ('created_at', 'updated_at')
                and column_default = 'now()' and is_nullable = 'NO' and data_type = 'timestamp with time zone' | 23
        "#,
    )
    .await;
    refused(
        &db.pool,
        r#"
        G6 | insert into users (name) values ('X') | 23502 | guild_id
        G6 | insert into squads (name) values ('X') | 23502 | guild_id
        G6 | insert into users (guild_id, name) values (gen_random_uuid(), 'X') | 23503 | fk_users_guild
        G6 | insert into squads (guild_id, name) values (gen_random_uuid(), 'X') | 23503 | fk_squads_guild
        US1 | insert into users (guild_id) values (@a0) | 23502 | name
        AI2 | update ai_commanders set system_prompt = null | 23502 | system_prompt
        RA2 | insert into ranks (guild_id, name) values (@a0, 'X') | 23502 | hierarchy_level
        I-18 | update users set availability = null | 23502 | availability
        I-18 | update objectives set status = null | 23502 | status
        I-18 | update objectives set description = null | 23502 | description
        I-18 | update objectives set categories = null | 23502 | categories
        I-18 | update tasks set priority = null | 23502 | priority
        I-18 | update tasks set progress = null | 23502 | progress
        I-18 | update tasks set schedule = null | 23502 | schedule
        TA1 | insert into tasks (guild_id, name) values (@a0, 'X') | 23502 | objective_id
        US8 | update users set totp_secret = repeat('x', 33) | 22001 |
        SE1 | update user_sessions set ip_address = repeat('x', 46) | 22001 |
        SE1 | update user_sessions set expires_at = null | 23502 | expires_at
        "#,
    )
    .await;
}

/// GU1, GU2, US1, US3, AI3, SQ1, RA1, RA2, AL1, CA1, OB4, OB6, OB7, TA3 to TA5, K1, K2, I-2 to I-4, I-22, I-23, I-27,
/// I-31: uniques and checks by name, each of them once.
#[tokio::test]
async fn named_uniques_and_checks() {
    let db = world().await;
    refused(
        &db.pool,
        r#"
        GU1 | insert into guilds (description) values ('x') | 23502 | name
        GU2 | insert into guilds (name) values ('Guild a') | 23505 | uk_guilds_name
        I-27 | insert into guilds (name) values ('GUILD A') | 23505 | uk_guilds_name_lower
        US1 | insert into users (guild_id, name) values (@a0, 'Ann') | 23505 | uk_users_guild_name
        I-27 | insert into users (guild_id, name) values (@a0, 'ann') | 23505 | uk_users_guild_name_lower
        AI3 I-23 | insert into ai_commanders (guild_id, system_prompt) values (@a0, 'x') | 23505 | uk_ai_commanders_guild
        SQ1 | insert into squads (guild_id, name) values (@a0, 'Anvil') | 23505 | uk_squads_guild_name
        I-27 | insert into squads (guild_id, name) values (@a0, 'ANVIL') | 23505 | uk_squads_guild_name_lower
        RA1 | update ranks set name = 'Officer' where id = @a4 | 23505 | uk_ranks_guild_name
        I-27 | update ranks set name = 'officer' where id = @a4 | 23505 | uk_ranks_guild_name_lower
        RA2 | update ranks set hierarchy_level = 1 where id = @a4 | 23505 | uk_ranks_guild_hierarchy
        I-22 | update ranks set hierarchy_level = 0 where id = @a2 | 23514 | chk_ranks_hierarchy_level
        I-21 | update ranks set clearance = 'all' | 23514 | chk_ranks_clearance
        AL1 | insert into access_levels (guild_id, name) values (@a0, 'Command') | 23505 | uk_access_levels_guild_name
        I-27 | insert into access_levels (guild_id, name) values (@a0, 'command') | 23505 |
                uk_access_levels_guild_name_lower
        CA1 | insert into objective_categories (guild_id, name) values (@a0, 'Economy') | 23505 |
                uk_objective_categories_guild_name
        I-27 | insert into objective_categories (guild_id, name) values (@a0, 'economy') | 23505 |
                uk_objective_categories_guild_name_lower
        CA2 | insert into objective_categories_junction (guild_id, objective_id, category_id) values (@a0, @aa,
                @a9) | 23505 | objective_categories_junction_pkey
        I-31 | insert into user_sessions (guild_id, user_id, token_hash, expires_at)
                select guild_id, user_id, token_hash, expires_at from user_sessions | 23505 |
                idx_user_sessions_token_hash
        US3 | update users set availability = 'away' | 23514 | chk_users_availability
        OB4 | update objectives set priority = 'urgent' | 23514 | chk_objectives_priority
        OB6 | update objectives set progress = -0.1 | 23514 | chk_objectives_progress
        OB6 | update objectives set progress = 100.1 | 23514 | chk_objectives_progress
        OB6 | update objectives set progress = 'NaN' | 23514 | chk_objectives_progress
        OB7 | update objectives set status = 'done' | 23514 | chk_objectives_status
        TA3 | update tasks set status = 'active' | 23514 | chk_tasks_status
        TA4 I-2 | update tasks set priority = 'urgent' | 23514 | chk_tasks_priority
        TA5 | update tasks set progress = 'NaN' | 23514 | chk_tasks_progress
        I-35 | insert into journal (guild_id, utterance_id, member_id, member_name, source, route, commands, outcome,
                reply) values (@a0, @aa, @a6, '', '', 'local', '[]', 'applied', '') | 23505 |
                uk_journal_guild_utterance
        "#,
    )
    .await;
    gives(
        &db.pool,
        r#"
        I-3 | select 1 | select count(*) - count(distinct pg_get_constraintdef(oid) || conrelid) from pg_constraint
                where connamespace = 'public'::regnamespace and contype = 'c' | 0
        I-22 | update ranks set hierarchy_level = 4 - hierarchy_level where guild_id = @a0 | select
                string_agg(name, ' ' order by hierarchy_level) from ranks where guild_id = @a0 | Recruit Sergeant
                Officer
        "#,
    )
    .await;
}

/// GU5, US4, US7, SQ2, OB8, TA1, TA7, CA2, I-1, I-6 to I-9, I-26: keys stay within the guild, and one lead a task.
#[tokio::test]
async fn references_stay_within_the_guild() {
    let db = world().await;
    refused(
        &db.pool,
        r#"
        I-7 | update users set rank = @b2 where id = @a6 | 23503 | fk_users_rank
        I-7 | update users set squad_id = @b5 where id = @a6 | 23503 | fk_users_squad
        I-7 | update squads set squad_lead = @b6 where id = @a5 | 23503 | fk_squads_lead
        I-7 | update objectives set lead_id = @b6 where id = @aa | 23503 | fk_objectives_lead
        I-7 | update objectives set squad_id = @b5 where id = @aa | 23503 | fk_objectives_squad
        I-7 | update tasks set objective_id = @ba where id = @ac | 23503 | fk_tasks_objective
        I-7 | update tasks set lead_id = @b6 where id = @ac | 23503 | fk_tasks_lead
        I-7 | update tasks set squad_id = @b5 where id = @ac | 23503 | fk_tasks_squad
        I-7 | insert into objective_categories_junction values (@a0, @aa, @b9) | 23503 | fk_obj_cat_junction_category
        I-7 | insert into user_sessions (guild_id, user_id, token_hash, expires_at) values (@a0, @b6, 'x', now()) |
                23503 | fk_user_sessions_user
        I-9 | delete from ranks where id = @a3 | 23503 | fk_users_rank
        I-9 | delete from users where id = @a6 | 23503 |
        I-6 | update ranks set access_levels = array[@b1]::uuid[] where id = @a2 | 23503 | fk_ranks_access_levels
        I-6 | update ranks set access_levels = '{null}' where id = @a2 | 23503 | fk_ranks_access_levels
        I-6 | delete from access_levels where id = @a1 | 23503 | fk_ranks_access_levels
        I-21 | update objectives set applicable_rank = 'officer' where id = @aa | 23503 |
                fk_objectives_applicable_rank
        I-21 | update users set rank = null; delete from ranks where id = @a2 | 23503 | fk_objectives_applicable_rank
        "#,
    )
    .await;
    gives(
        &db.pool,
        r#"
        GU5 | select 1 | select count(distinct conrelid) >= 8 from pg_constraint where contype = 'f'
                and confrelid = 'guilds'::regclass | true
        I-26 | update tasks set lead_id = @a7 where id = @ac | select count(*) from tasks where id = @ac
                and lead_id = @a7 | 1
        I-9 | update squads set squad_lead = null where id = @a5; update objectives set lead_id = null where id = @aa;
                update tasks set lead_id = null where id = @ac; delete from users where id = @a6 | select count(*)
                from user_sessions where user_id = @a6 | 0
        SE2 | delete from users where id = @a8 | select count(*) from user_sessions where user_id = @a8 | 0
        TA1 CA2 | delete from objectives where id = @aa | select (select count(*) from tasks where objective_id = @aa)
                + (select count(*) from objective_categories_junction where objective_id = @aa) | 0
        I-6 | update ranks set access_levels = '{}' where guild_id = @a0; delete from access_levels where id = @a1
                | select count(*) from access_levels | 1
        I-21 | update ranks set name = 'Captain' where name = 'Officer' and guild_id = @a0 | select
                string_agg(applicable_rank, ' ' order by guild_id) from objectives where name = 'Secret' | Captain
                Officer
        I-1 | insert into squads (guild_id, id, name, squad_lead) values (@a0, @af, 'New', @af);
                insert into users (guild_id, id, name, squad_id) values (@a0, @af, 'Eve', @af); set constraints all
                immediate | select count(*) from squads where squad_lead = @af | 1
        "#,
    )
    .await;
}

/// G5, I-8: deleting a guild takes everything of it and nothing of another, whether it is old or was made just now.
#[tokio::test]
async fn deleting_a_guild_takes_all_of_it() {
    let db = world().await;
    let both = [
        ("a", "delete from guilds where id = @a0".to_owned()),
        ("c", format!("{}; delete from guilds where id = @c0", world_of("c"))),
    ];
    for (guild, sql) in both {
        let mut tx = db.pool.begin().await.unwrap();
        for table in TENANT_TABLES {
            assert_ne!(
                value(&mut tx, &format!("select count(*) from {table} where guild_id = @b0")).await,
                "0",
                "{table}"
            );
        }
        let before = value(&mut tx, "select count(*) from tasks where guild_id = @b0").await;
        run(&mut tx, &format!("{sql}; set constraints all immediate")).await.unwrap();
        for table in TENANT_TABLES {
            let left = value(&mut tx, &format!("select count(*) from {table} where guild_id = @{guild}0")).await;
            assert_eq!(left, "0", "G5: {table} of {guild}");
        }
        assert_eq!(value(&mut tx, "select count(*) from tasks where guild_id = @b0").await, before);
    }
}
