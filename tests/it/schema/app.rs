//! What the program's role may do and see. Its login is taken to be in hostile hands.

use sqlx::{PgPool, Postgres, Transaction};

use super::{SHUT_TABLES, TENANT_TABLES, gives, refusal, run, value, world};

/// A transaction as the program's role, with the token of a session, if any.
async fn app(pool: &PgPool, token: Option<&str>) -> Transaction<'static, Postgres> {
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("set local role sphereconnect_app").execute(&mut *tx).await.unwrap();
    if let Some(token) = token {
        sqlx::query("select set_config('sphereconnect.token', $1, true)").bind(token).execute(&mut *tx).await.unwrap();
    }
    tx
}

/// Rows `token | statement | SQLSTATE`.
async fn app_refused(pool: &PgPool, rows: &[(&str, &str, &str)]) {
    for (token, sql, code) in rows {
        let mut tx = app(pool, Some(token)).await;
        let (got, told) = refusal(&mut tx, sql).await;
        assert_eq!(got, *code, "{token}: {sql}: {told}");
    }
}

/// Rows `token | statement | question | answer`.
async fn app_gives(pool: &PgPool, rows: &[(&str, &str, &str, &str)]) {
    for (token, sql, question, answer) in rows {
        let mut tx = app(pool, Some(token)).await;
        run(&mut tx, sql).await.unwrap_or_else(|error| panic!("{token}: {sql}: {error}"));
        assert_eq!(value(&mut tx, question).await, *answer, "{token}: {sql}: {question}");
    }
}

/// SE2: without a token, and with a wrong or expired one, nothing is visible: not even an error tells that there is
/// something. A connection that had a token in an earlier transaction has none in the next.
#[tokio::test]
async fn without_a_session_nothing_is_visible() {
    let db = world().await;
    for table in TENANT_TABLES.iter().chain(&["guilds"]).filter(|table| !SHUT_TABLES.contains(table)) {
        let count = format!("select count(*) from {table}");
        let mut tx = app(&db.pool, None).await;
        assert_eq!(value(&mut tx, &count).await, "0", "{table}");
        tx.rollback().await.unwrap();
        app_gives(
            &db.pool,
            &[
                ("wrong", "select", &count, "0"),
                ("a expired", "select", &count, "0"),
                ("", "set sphereconnect.token = 'x'", &count, "0"),
            ],
        )
        .await;
    }
    let mut connection = db.pool.acquire().await.unwrap();
    run(&mut connection, "begin; select set_config('sphereconnect.token', 'a officer', true); commit").await.unwrap();
    run(&mut connection, "begin; set local role sphereconnect_app").await.unwrap();
    assert_eq!(value(&mut connection, "select count(*) from tasks").await, "0");
    run(&mut connection, "rollback").await.unwrap();
}

/// G2: in guild a's session no row of guild b is read, changed, deleted or made, in any table.
#[tokio::test]
async fn another_guild_is_out_of_reach() {
    let db = world().await;
    for table in TENANT_TABLES.iter().filter(|table| !SHUT_TABLES.contains(table)) {
        let own = format!("select count(*) > 0 from {table}");
        let other = format!("select count(*) from {table} where guild_id <> @a0");
        app_gives(&db.pool, &[("a officer", "select", &own, "true"), ("a officer", "select", &other, "0")]).await;
    }
    app_gives(&db.pool, &[("b recruit", "select", "select string_agg(name, ',') from guilds", "Guild b")]).await;
    let silent = [
        "update users set availability = 'busy' where guild_id = @b0",
        "update squads set name = 'X' where guild_id = @b0",
        "update objectives set name = 'X' where guild_id = @b0",
        "update tasks set name = 'X' where guild_id = @b0",
    ];
    for sql in silent {
        let mut tx = app(&db.pool, Some("a officer")).await;
        assert_eq!(run(&mut tx, sql).await.unwrap(), 0, "{sql}");
    }
    app_refused(
        &db.pool,
        &[
            ("a officer", "insert into squads (guild_id, name) values (@b0, 'X')", "42501"),
            ("a officer", "insert into objectives (guild_id, name) values (@b0, 'X')", "42501"),
            ("a officer", "insert into tasks (guild_id, objective_id, name) values (@b0, @ba, 'X')", "42501"),
            // As for an id that nobody has.
            ("a officer", "insert into tasks (guild_id, objective_id, name) values (@a0, @ba, 'X')", "23503"),
            ("a officer", "insert into objective_categories_junction values (@b0, @ba, @b9)", "42501"),
            ("a officer", "update squads set guild_id = @b0 where name = 'Anvil'", "42501"),
            ("a officer", "select objective_describe(@ba, 'brief', 'x')", "42501"),
            ("a officer", "select objective_measure(@ba, 'gold', 1)", "42501"),
        ],
    )
    .await;
    app_gives(&db.pool, &[("a officer", "select", "select objective_sections(@ba)", "null")]).await;
}

/// US6, US8, I-17, SE2, J2 to J4: secrets, sessions and the bare description are shut, and so is all that no turn needs.
#[tokio::test]
async fn what_no_turn_needs_is_shut() {
    let db = world().await;
    let shut = [
        "select password from users",
        "select pin from users",
        "select totp_secret from users",
        "select failed_attempts from users",
        "select locked_until from users",
        "select * from users",
        "update users set password = 'x'",
        "insert into users (guild_id, name, password) values (@a0, 'x', 'x')",
        "delete from users",
        "select token_hash from user_sessions",
        "select count(*) from user_sessions",
        "insert into user_sessions (guild_id, user_id, token_hash, expires_at) values (@a0, @a6, 'x', now())",
        "select description from objectives",
        "select 1 from objectives where description ? 'classified'",
        "insert into objectives (guild_id, name) values (@a0, 'x') returning description",
        "update objectives set description = '{}'",
        "update objectives set categories = '{}'",
        "delete from objectives",
        "delete from squads",
        "delete from ranks",
        "delete from access_levels",
        "delete from objective_categories",
        "delete from objective_categories_junction",
        "lock table squads in access exclusive mode",
        "lock table ranks in access exclusive mode nowait",
        "delete from tasks",
        "update tasks set objective_id = @aa",
        "update ranks set id = gen_random_uuid()",
        "insert into objectives (guild_id, id, name) values (@a0, @af, 'x')",
        "insert into objectives (guild_id, name, created_at) values (@a0, 'x', now())",
        "insert into objectives (guild_id, name, categories) values (@a0, 'x', '{}')",
        "update guilds set name = 'x'",
        "update journal set reply = 'x'",
        "delete from journal",
        "insert into journal (guild_id, utterance_id, member_id, member_name, source, route, commands, outcome, reply)
            values (@a0, gen_random_uuid(), @a6, 'Ann', 's', 'local', '[]', 'applied', 'r')",
        "select commands from journal",
        "select heard from journal",
        "select reply from journal",
        "select rights from journal",
        "select before from journal_changes",
        "select count(*) from journal_changes",
        "insert into journal_changes (guild_id, member_id, kind, row_id) values (@a0, @a6, 'task', @ac)",
        "update journal_changes set after = null",
        "delete from journal_changes",
        "select key from journal_keys",
        "select journal_hash(@a0, 'x')",
        "select journal_restore('task', null, '{}')",
        "select journal_row('member', '{}')",
        "select * from journal_changes_of(@a0, pg_current_xact_id(), now())",
        "select journal_prune()",
        "truncate tasks",
        "create table x ()",
        "select objective_category_ids(@b0, @ba)",
        "select session_token_hash()",
    ];
    for sql in shut {
        app_refused(&db.pool, &[("a officer", sql, "42501")]).await;
    }
}

/// J2 to J4, OB5, I-21: each clearance reads its sections, and an objective for a rank is shown from that rank up.
#[tokio::test]
async fn sections_and_objectives_follow_the_rank() {
    let db = world().await;
    let keys = "select string_agg(key, ' ' order by key) from jsonb_object_keys(objective_sections(@aa)) as key";
    let names = "select string_agg(name, ' ' order by name) from objectives";
    let tasks = "select string_agg(name, ' ' order by name) from tasks";
    let links = "select count(*) from objective_categories_junction";
    app_gives(
        &db.pool,
        &[
            ("a officer", "select", "select current_clearance()", "classified"),
            ("a officer", "select", "select current_guild() = @a0 and current_member() = @a6", "true"),
            ("a officer", "select", "select current_actions() @> '{manage_ranks,view_tasks}'", "true"),
            ("a recruit", "select", "select current_actions()", "{}"),
            ("a sergeant", "select", "select visible_rank_names()", "{Sergeant,Recruit}"),
            ("a sergeant", "select", "select current_rank_level()", "2"),
            ("wrong", "select", "select current_clearance()", "null"),
            ("a officer", "select", keys, "brief classified metrics tactical"),
            ("a sergeant", "select", keys, "brief metrics tactical"),
            ("a recruit", "select", keys, "brief metrics"),
            ("wrong", "select", keys, "null"),
            ("a officer", "select", names, "Open Secret"),
            ("a sergeant", "select", names, "Open"),
            ("a officer", "select", tasks, "Hide Scout"),
            ("a sergeant", "select", tasks, "Scout"),
            ("a officer", "select", links, "2"),
            ("a sergeant", "select", links, "1"),
            ("a officer", "select", "select objective_sections(@ab) ->> 'brief'", "s"),
            ("a sergeant", "select", "select objective_sections(@ab)", "null"),
            (
                "a sergeant",
                "select objective_describe(@aa, 'tactical', 'new')",
                "select objective_sections(@aa) ->> 'tactical'",
                "new",
            ),
            ("a officer", "select objective_describe(@aa, 'classified', null)", keys, "brief metrics tactical"),
            (
                "a sergeant",
                "select objective_describe(@aa, 'brief', 'é')",
                "select objective_sections(@aa) ->> 'brief'",
                "é",
            ),
        ],
    )
    .await;
    app_refused(
        &db.pool,
        &[
            ("a sergeant", "select objective_describe(@aa, 'classified', 'x')", "42501"),
            ("a recruit", "select objective_describe(@aa, 'brief', 'x')", "42501"),
            ("a sergeant", "select objective_describe(@ab, 'brief', 'x')", "42501"),
            ("a officer", "select objective_describe(@aa, 'metrics', 'x')", "22023"),
            ("a officer", "select objective_describe(@aa, null, 'x')", "22023"),
            ("wrong", "select objective_describe(@aa, 'brief', 'x')", "42501"),
            ("a sergeant", "update objectives set applicable_rank = 'Officer' where id = @aa", "42501"),
            ("a sergeant", "insert into tasks (guild_id, objective_id, name) values (@a0, @ab, 'X')", "42501"),
            ("a sergeant", "insert into objective_categories_junction values (@a0, @ab, @a9)", "42501"),
        ],
    )
    .await;
    gives(
        &db.pool,
        "J4 | update users set rank = null where id = @a6 | select count(*) from users where rank is null | 1",
    )
    .await;
}

/// J5, I-25: a report adds to a metric, whatever it was, and a target drives progress.
#[tokio::test]
async fn reports_add_up() {
    let db = world().await;
    let twice = "select objective_measure(@aa, null, 100), objective_measure(@aa, 'current_value', 25.5)";
    app_gives(
        &db.pool,
        &[
            ("a recruit", "select", "select objective_measure(@aa, 'gold', 0.1)", r#"{"gold": 1.1}"#),
            ("a recruit", "select", "select objective_measure(@aa, 'ore', -2) -> 'ore'", "-2"),
            ("a recruit", "select", "select objective_measure(@aa, null, 5) -> 'current_value'", "5"),
            ("a recruit", twice, "select objective_sections(@aa) #> '{metrics,current_value}'", "125.5"),
        ],
    )
    .await;
    let mut owner = db.pool.acquire().await.unwrap();
    let target =
        "update objectives set description = jsonb_set(description, '{metrics,target_value}', '500') where id = @aa";
    run(&mut owner, target).await.unwrap();
    drop(owner);
    app_gives(&db.pool, &[("a sergeant", twice, "select progress from objectives where id = @aa", "25.1")]).await;
    app_refused(
        &db.pool,
        &[
            ("a recruit", "select objective_measure(@aa, 'gold', 'NaN')", "22023"),
            ("a recruit", "select objective_measure(@aa, 'gold', '-Infinity')", "22023"),
            ("a recruit", "select objective_measure(@aa, 'gold', null)", "22023"),
            ("a recruit", "select objective_measure(@aa, ' ', 1)", "22023"),
            ("a recruit", "select objective_measure(@aa, 'target_value', 1)", "22023"),
            ("a recruit", "select objective_measure(@aa, 'gold', 1e15)", "23514"),
            ("a sergeant", "select objective_measure(@ab, 'gold', 1)", "42501"),
        ],
    )
    .await;
}

/// What a turn does goes through; a rank is given only from above; the journal is signed by its member alone.
#[tokio::test]
async fn turns_go_through() {
    let db = world().await;
    app_gives(
        &db.pool,
        &[
            (
                "a recruit",
                "update users set availability = 'busy', squad_id = @a5, phonetic = 'kal' where id = @a8",
                "select availability from users where id = @a8",
                "busy",
            ),
            (
                "a sergeant",
                "insert into objectives (guild_id, name, description) values (@a0, 'New', '{\"brief\":\"x\"}');
                insert into objective_categories_junction (guild_id, objective_id, category_id)
                select guild_id, id, @a9 from objectives where name = 'New';
                insert into tasks (guild_id, objective_id, name, schedule)
                select guild_id, id, 'T', '{\"end\":\"2024-01-15T14:00Z\",\"timezone\":\"Europe/Berlin\"}'
                from objectives where name = 'New'",
                "select categories = array[@a9]::uuid[] from objectives where name = 'New'",
                "true",
            ),
            (
                "a sergeant",
                "update tasks set status = 'completed' where id = @ac",
                "select progress from tasks where id = @ac",
                "100",
            ),
            (
                "a sergeant",
                "insert into squads (guild_id, name, squad_lead) values (@a0, 'Bolt', @a8)",
                "select count(*) from squads",
                "2",
            ),
            ("a officer", "select squad_disband(@a5)", "select count(*) from squads", "0"),
            (
                "a sergeant",
                "update users set rank = null where id = @a8",
                "select rank from users where id = @a8",
                "null",
            ),
            (
                "a officer",
                "update users set rank = @a4 where id = @a7",
                "select rank = @a4 from users where id = @a7",
                "true",
            ),
            (
                "a recruit",
                "select journal_write(gen_random_uuid(), 's', 'w', false, 'local', '[]', 'applied', 'r')",
                "select string_agg(member_name, ' ') from journal",
                "Cal",
            ),
        ],
    )
    .await;
    app_refused(
        &db.pool,
        &[
            ("a recruit", "update users set rank = @a2 where id = @a8", "42501"),
            ("a sergeant", "update users set rank = @a2 where id = @a7", "42501"),
            ("a sergeant", "update users set rank = @a3 where id = @a8", "42501"),
            ("a sergeant", "update users set rank = @a4 where id = @a6", "42501"),
        ],
    )
    .await;
}
