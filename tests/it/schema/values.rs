//! What triggers, check functions and indexes keep.

use super::{gives, ids, refused, run, value, world};
use crate::support;

/// I-5, I-16, I-24, CA3: the array follows the junction, stamps move, preferences are tidy.
#[tokio::test]
async fn triggers_keep_rows_in_step() {
    let db = world().await;
    refused(
        &db.pool,
        r#"
        I-5 | update objectives set categories = '{}' where id = @aa | 23514 | chk_objectives_categories
        I-5 | update objectives set categories = categories || @b9::uuid where id = @aa | 23514 |
                chk_objectives_categories
        I-5 | insert into objectives (guild_id, name, categories) values (@a0, 'X', array[@a9]::uuid[]) | 23514 |
                chk_objectives_categories
        I-5 | update objective_categories_junction set objective_id = @ab where objective_id = @aa | 23514 | fixed
        "#,
    )
    .await;
    gives(
        &db.pool,
        r#"
        I-5 | select 1 | select categories = array[@a9]::uuid[] from objectives where id = @aa | true
        I-5 | delete from objective_categories_junction where objective_id = @aa | select categories from
                objectives where id = @aa | {}
        I-5 | delete from objective_categories where id = @a9 | select categories from objectives where id = @ab | {}
        CA3 | insert into objective_categories (guild_id, id, name) values (@a0, @af, 'War');
                insert into objective_categories_junction (guild_id, objective_id, category_id) values (@a0, @aa,
                @af) | select categories @> array[@a9, @af]::uuid[] from objectives where id = @aa | true
        I-24 | update users set preferences = '{" Mining",combat,mining,"  "}' where id = @a6 | select preferences
                from users where id = @a6 | {mining,combat}
        "#,
    )
    .await;
    for table in
        "guilds users ai_commanders squads ranks access_levels objectives tasks objective_categories".split(' ')
    {
        let change = format!("update {table} set name = name || '!', updated_at = 'epoch'");
        let question = format!("select bool_and(updated_at > created_at) from {table}");
        gives(&db.pool, &format!("I-16 | {change} | {question} | true")).await;
    }
}

/// I-25: status, progress and metrics agree. `DONE`, `REOPEN` and `METRICS` stand for the statements below.
#[tokio::test]
async fn progress_agrees_with_status_and_metrics() {
    let db = world().await;
    let spell = |table: &str| {
        table
            .replace("DONE", "update objectives set status = 'completed' where id = @aa")
            .replace("REOPEN", "update objectives set status = 'active' where id = @aa")
            .replace("METRICS", "update objectives set description = jsonb_build_object('metrics', jsonb_build_object(")
            .replace("AT @aa", ")) where id = @aa")
            .replace("PROGRESS", "select progress from objectives where id = @aa")
    };
    let given = r#"
        I-25 | DONE | PROGRESS | 100
        I-25 | DONE; REOPEN | PROGRESS | 0
        I-25 | DONE; update objectives set status = 'active', progress = 40 where id = @aa | PROGRESS | 40
        I-25 | METRICS 'target_value', 500, 'current_value', 125 AT @aa | PROGRESS | 25
        I-25 | METRICS 'target_value', 500, 'current_value', 900 AT @aa | PROGRESS | 100
        I-25 | METRICS 'target_value', 500, 'current_value', -5 AT @aa | PROGRESS | 0
        I-25 | METRICS 'target_value', 0, 'current_value', 5 AT @aa | PROGRESS | 0
        I-25 | METRICS 'target_value', 500, 'current_value', 125 AT @aa; DONE; REOPEN | PROGRESS | 25
        I-25 | DONE; METRICS 'target_value', 500, 'current_value', 125 AT @aa | PROGRESS | 100
        I-25 | insert into objectives (guild_id, id, name, status) values (@a0, @af, 'X', 'completed') |
                select progress from objectives where id = @af | 100
        I-25 | update tasks set status = 'completed' | select min(progress) from tasks | 100
        I-25 | update tasks set status = 'completed'; update tasks set status = 'pending' |
                select max(progress) from tasks | 0
        "#;
    gives(&db.pool, &spell(given)).await;
    let wrong = r#"
        I-25 | DONE; update objectives set progress = 99 where id = @aa | 23514 | chk_objectives_completed
        I-25 | update tasks set status = 'completed'; update tasks set progress = 5 | 23514 | chk_tasks_completed
        "#;
    refused(&db.pool, &spell(wrong)).await;
}

/// J1, J5, I-19, I-20: the shape of an objective's description.
#[tokio::test]
async fn description_has_its_documented_shape() {
    let fine = ["{}", r#"{"brief":"a","tactical":"b","classified":"c","metrics":{"gold":1.5,"target_value":100}}"#];
    let wrong = [
        "[]",
        "null",
        r#"{"brief":1}"#,
        r#"{"tactical":null}"#,
        r#"{"metrics":[]}"#,
        r#"{"metrics":{"gold":"1"}}"#,
        r#"{"metrics":{"target_value":"5"}}"#,
        r#"{"metrics":{"target_value":1e15}}"#,
        r#"{"secret":"x"}"#,
    ];
    shapes("objectives", "description", &fine, &wrong).await;
}

/// J6, J7, J8, I-19, I-20, I-32: the shape of a task's schedule.
#[tokio::test]
async fn schedule_has_its_documented_shape() {
    let fine = [
        "{}",
        r#"{"start":"2024-01-15T14:00:00Z","end":"2024-01-15T16:00:00Z","duration":120,"flexible":false,"timezone":"UTC"}"#,
        r#"{"start":"2024-02-29T14:00Z","timezone":"Europe/Berlin"}"#,
        r#"{"end":"2024-01-15T14:00:00.250Z"}"#,
        r#"{"duration":45}"#,
    ];
    let wrong = [
        r#"{"start":"2023-02-29T14:00Z"}"#,
        r#"{"start":"2024-01-15 14:00Z"}"#,
        r#"{"start":"2024-01-15T14:00"}"#,
        r#"{"start":"2024-01-15T14:00+01:00"}"#,
        r#"{"start":"2024-01-15T24:00Z"}"#,
        r#"{"start":"0000-01-15T14:00Z"}"#,
        r#"{"start":5}"#,
        r#"{"start":"2024-01-15T14:00Z","end":"2024-01-15T13:59Z"}"#,
        r#"{"start":"2024-01-15T14:00Z","end":"2024-01-15T16:00Z","duration":121}"#,
        r#"{"duration":-1}"#,
        r#"{"duration":1.5}"#,
        r#"{"duration":"2 h"}"#,
        r#"{"flexible":"no"}"#,
        r#"{"timezone":"Mars/Olympus"}"#,
        r#"{"timezone":1}"#,
        r#"{"begin":"2024-01-15T14:00Z"}"#,
        "[]",
    ];
    shapes("tasks", "schedule", &fine, &wrong).await;
}

async fn shapes(table: &str, column: &str, fine: &[&str], wrong: &[&str]) {
    let db = world().await;
    let set = |json| format!("update {table} set {column} = '{json}' where guild_id = @a0");
    for json in fine {
        let count = format!("select count(*) from {table} where {column} = '{json}' and guild_id = @a0");
        gives(&db.pool, &format!("J | {} | {count} | 2", set(json))).await;
    }
    for json in wrong {
        refused(&db.pool, &format!("I-19 | {} | 23514 | chk_{table}_", set(json))).await;
    }
}

/// GU4, US10, AI5, SQ3, RA4, AL2, OB9, TA9, CA1, CA2, SE3, X1 to X4, I-2, I-29, I-30: the indexes are there, none of
/// them twice, and those of a guild's table lead with the guild.
#[tokio::test]
async fn indexes_are_there_once() {
    let db = support::database().await;
    let mut tx = db.pool.begin().await.unwrap();
    let names =
        "idx_guilds_created_at idx_users_guild_id idx_users_guild_rank idx_users_squad_id idx_users_availability
        idx_users_last_login idx_squads_guild_id idx_squads_lead idx_ranks_guild_id idx_access_levels_guild_id
        idx_objectives_guild_id idx_objectives_guild_status idx_objectives_priority idx_objectives_lead_id
        idx_objectives_squad_id idx_objectives_categories idx_objectives_description idx_objectives_created_at
        idx_tasks_objective_status idx_tasks_guild_id idx_tasks_status idx_tasks_priority idx_tasks_lead_id
        idx_tasks_squad_id idx_tasks_schedule idx_tasks_created_at idx_tasks_schedule_start idx_tasks_schedule_end
        idx_tasks_open_lead idx_objective_categories_guild_id idx_obj_cat_junction_category idx_user_sessions_user_id
        idx_user_sessions_expires_at idx_user_sessions_token_hash idx_journal_created_at idx_journal_member
        idx_journal_undone_open idx_journal_changes_made idx_broadcasts_created_at idx_broadcasts_member";
    for name in names.split_whitespace() {
        let found = value(&mut tx, &format!("select count(*) from pg_indexes where indexname = '{name}'")).await;
        assert_eq!(found, "1", "{name}");
    }
    let twice = "select string_agg(a.indexrelid::regclass || ' = ' || b.indexrelid::regclass, ', ') from pg_index a
        join pg_index b on a.indrelid = b.indrelid and a.indexrelid < b.indexrelid and a.indkey::text = b.indkey::text
            and a.indclass = b.indclass and a.indexprs::text is not distinct from b.indexprs::text
            and a.indpred::text is not distinct from b.indpred::text";
    assert_eq!(value(&mut tx, twice).await, "null", "I-2: an index stands twice");
    let astray = "select string_agg(indexname, ' ' order by indexname) from pg_indexes
        where schemaname = 'public' and tablename not in ('guilds', '_sqlx_migrations', 'sign_in_tries', 'sign_in_secret', 'sign_in_decoys')
            and indexdef not like '%btree (guild_id%'";
    let known = "idx_objectives_categories idx_objectives_description idx_tasks_schedule idx_user_sessions_token_hash";
    assert_eq!(value(&mut tx, astray).await, known, "I-29: led by something else than the guild");
}

/// J9, X5, I-29, I-30: with enough rows the hot queries take their index, as the owner and as the program's role.
#[tokio::test]
async fn hot_queries_take_their_index() {
    let db = world().await;
    let mut owner = db.pool.acquire().await.unwrap();
    run(
        &mut owner,
        r#"insert into guilds (name) select 'G' || n from generate_series(1, 40) n;
        insert into users (guild_id, name) select g.id, 'U' || n from guilds g, generate_series(1, 50) n;
        update users set rank = @a3 where guild_id = @a0 and name in ('U1', 'U2');
        insert into objectives (guild_id, name, status, description)
            select g.id, 'O' || n, case when n % 20 = 0 then 'on_hold' else 'active' end,
                jsonb_build_object('metrics', jsonb_build_object('m' || n, n)) from guilds g, generate_series(1, 200) n;
        insert into tasks (guild_id, objective_id, name, lead_id, schedule)
            select o.guild_id, o.id, 'T' || n, case when n = 1 then (select id from users u where u.guild_id = o.guild_id limit 1) end,
                jsonb_build_object('duration', n + (random() * 5000)::int, 'end',
                    to_char(timestamp '2024-01-01' + random() * interval '300 days', 'YYYY-MM-DD"T"HH24:MI"Z"'))
            from objectives o, generate_series(1, 3) n"#,
    )
    .await
    .unwrap();
    // Vacuum also empties the lists of entries that the GIN indexes have yet to take in.
    for table in ["users", "objectives", "tasks"] {
        run(&mut owner, &format!("vacuum analyze {table}")).await.unwrap();
    }
    let due = "guild_id = @a0 and schedule_instant(schedule, 'end') < '2024-01-03T00:00Z'";
    for (role, sql, index) in [
        ("none", "select * from objectives where guild_id = @a0 and status = 'on_hold'", "idx_objectives_guild_status"),
        (
            "none",
            "select * from tasks where guild_id = @a0 and objective_id = @aa and status = 'pending'",
            "idx_tasks_objective_status",
        ),
        ("none", "select * from users where guild_id = @a0 and rank = @a3", "idx_users_guild_rank"),
        (
            "none",
            "select * from tasks where guild_id = @a0 and lead_id = @a6 and status in ('pending', 'in_progress')",
            "idx_tasks_open_lead",
        ),
        (
            "none",
            r#"select * from objectives where description @> '{"metrics":{"m7":7}}'"#,
            "idx_objectives_description",
        ),
        ("none", r#"select * from tasks where schedule @> '{"duration":77}'"#, "idx_tasks_schedule"),
        ("none", &format!("select * from tasks where {due}"), "idx_tasks_schedule_end"),
        ("sphereconnect_app", "select name from objectives where status = 'on_hold'", "idx_objectives_guild_status"),
        (
            "sphereconnect_app",
            "select name from tasks where objective_id = @aa and status = 'pending'",
            "idx_tasks_objective_status",
        ),
        ("sphereconnect_app", "select name from users where rank = @a3", "idx_users_guild_rank"),
        (
            "sphereconnect_app",
            "select name from tasks where lead_id = @a6 and status in ('pending', 'in_progress')",
            "idx_tasks_open_lead",
        ),
    ] {
        let mut tx = db.pool.begin().await.unwrap();
        run(&mut tx, &format!("set local role {role}; select set_config('sphereconnect.token', 'a officer', true)"))
            .await
            .unwrap();
        let plan: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(ids(&format!("explain {sql}")))).fetch_all(&mut *tx).await.unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{sql} as {role}: {plan}");
    }
}
