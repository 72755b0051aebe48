//! Ways around row security that PostgreSQL itself leaves open: what its planner does with a client's conditions, what
//! changes while a statement runs, what an error quotes.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{ids, run, value, world};
use crate::support::TestDb;

/// Fails only when it is asked for, and so tells that a row was found.
const BOOM: &str = "(select (1 / (now() < '1999-01-01')::int)::boolean)";

/// Rows, or the SQLSTATE and everything else the error says. Nothing is kept.
async fn told(app: &mut PgConnection, token: Option<&str>, sql: &str) -> String {
    run(app, "begin").await.unwrap();
    if let Some(token) = token {
        run(app, &format!("select set_config('sphereconnect.token', '{token}', true)")).await.unwrap();
    }
    let came = match sqlx::raw_sql(AssertSqlSafe(ids(sql))).execute(&mut *app).await {
        Ok(done) => done.rows_affected().to_string(),
        Err(error) => format!("{error:?}"),
    };
    run(app, "rollback").await.unwrap();
    came
}

async fn logins(db: &TestDb) -> (PgConnection, PgConnection) {
    (db.app_login().await, db.app_login().await)
}

/// G2, J4: a condition with an error in it, which the planner would put before the policy's, finds nobody's rows: not
/// another guild's, not a hidden objective's; with and without a session, whatever plan the client forces.
#[tokio::test]
async fn a_condition_of_the_clients_is_asked_after_the_policys() {
    let db = world().await;
    run(&mut db.pool.acquire().await.unwrap(), "update users set name = 'Zorro' where id = @b6").await.unwrap();
    let mut app = db.app_login().await;
    let plans = [
        "",
        "set local enable_indexscan = off; set local enable_bitmapscan = off; set local enable_indexonlyscan = off;",
        "set local enable_seqscan = off; set local enable_sort = off; set local enable_bitmapscan = off;",
    ];
    let questions = [
        ("users", "Zorro", "Nosuch"),
        ("guilds", "Guild b", "Nosuch"),
        ("objectives", "Secret", "Nosuch"),
        ("tasks", "Hide", "Nosuch"),
    ];
    for plan in plans {
        for (table, there, nowhere) in questions {
            for token in [None, Some("a recruit"), Some("a sergeant")] {
                for form in [
                    format!("select from {table} where case when name = any ('{{@}}') then {BOOM} end"),
                    format!("select from {table} where name = '@' and {BOOM} order by name"),
                    format!("select from {table} where name = '@' and name = {BOOM}::text"),
                ] {
                    let one = told(&mut app, token, &format!("{plan} {}", form.replace('@', there))).await;
                    let other = told(&mut app, token, &format!("{plan} {}", form.replace('@', nowhere))).await;
                    // A constant condition may fail at once, and then for every name.
                    assert_eq!(one, other, "{token:?} {plan} {form}");
                }
            }
        }
    }
}

/// G2, SE2: a token that is changed while a statement runs opens nothing of either session that the other has not.
#[tokio::test]
async fn two_sessions_in_one_statement_are_none() {
    let db = world().await;
    let mut app = db.app_login().await;
    let to = |token: &str, then: &str| {
        format!("case when set_config('sphereconnect.token', '{token}', true) is not null then {then} end")
    };
    let hidden = format!("select from objectives where name = 'Secret' and {} is not null", to("b officer", "true"));
    assert_eq!(told(&mut app, Some("a sergeant"), &hidden).await, "0");
    let late = format!(
        "set local enable_bitmapscan = off; set local enable_seqscan = off;
        select from objectives where created_at > (select {})",
        to("b officer", "'-infinity'::timestamptz")
    );
    let seen = told(&mut app, Some("a recruit"), &late).await;
    assert_eq!(seen, "0");
    for sql in [
        format!(
            "update squads set squad_lead = {} where name = (select {})",
            to("a recruit", "@a8::uuid"),
            to("b officer", "'Anvil'")
        ),
        format!(
            "update access_levels set user_actions = {} where name = (select {})",
            to("a recruit", "'{}'::text[]"),
            to("b officer", "'Command'")
        ),
        format!(
            "update objective_categories set name = {} where name = (select {})",
            to("a recruit", "'Mine'"),
            to("b officer", "'Economy'")
        ),
        format!(
            "update ranks set clearance = {} where name = (select {})",
            to("a recruit", "'classified'"),
            to("b officer", "'Recruit'")
        ),
        format!(
            "update ai_commanders set system_prompt = {} where name = (select {})",
            to("a recruit", "'Mine'"),
            to("b officer", "'UEE Commander'")
        ),
    ] {
        let came = told(&mut app, Some("a recruit"), &sql).await;
        assert!(came == "0" || came.contains("42501"), "{sql}: {came}");
    }
}

/// SE2, US4: who was dismissed while a transaction of theirs looks at an old picture of the database changes nothing.
#[tokio::test]
async fn an_old_picture_keeps_no_rights() {
    let db = world().await;
    for (dismissal, sql) in [
        ("update users set rank = null where id = @a7", "update objectives set name = 'New' where id = @aa"),
        ("update users set rank = @a4 where id = @a7", "insert into users (guild_id, name) values (@a0, 'Mole')"),
        ("delete from user_sessions where user_id = @a7", "update tasks set priority = 'low' where id = @ac"),
        (
            "update access_levels set user_actions = '{}' where id = @a1",
            "insert into squads (guild_id, name) values (@a0, 'X')",
        ),
    ] {
        let db = if dismissal.contains("null") { &db } else { &world().await };
        let (mut app, mut check) = logins(db).await;
        let begin = "begin isolation level repeatable read;
            select set_config('sphereconnect.token', 'a sergeant', true); select count(*) from tasks";
        run(&mut app, begin).await.unwrap();
        run(&mut db.pool.acquire().await.unwrap(), dismissal).await.unwrap();
        let refused = run(&mut app, sql).await.unwrap_err();
        let code = refused.as_database_error().and_then(|one| one.code()).unwrap().into_owned();
        assert!(code == "40001" || code == "42501", "{dismissal}: {sql}: {refused}");
        run(&mut check, "select 1").await.unwrap();
    }
}

/// J3, J4: an error quotes no row; the journal and the changes of a transaction tell of nothing hidden.
#[tokio::test]
async fn errors_and_journal_tell_nothing_hidden() {
    let db = world().await;
    let mut app = db.app_login().await;
    for (token, sql) in [
        ("a recruit", "select objective_measure(@aa, 'x', 1e15)"),
        ("a sergeant", "select objective_set_metrics(@aa, '5')"),
        ("a sergeant", "select objective_set_metrics(@aa, '{\"x\":\"y\"}')"),
    ] {
        let came = told(&mut app, Some(token), sql).await;
        assert!(came.contains("23514") && !came.contains("Failing row"), "{sql}: {came}");
    }
    let asked = |name: &str| {
        format!(
            "select journal_write(gen_random_uuid(), 'x', 'w', true, 'local',
                '[{{\"action\":\"g\",\"name\":\"{name}\"}}]', 'answered', 'r');
            select commands::text || reply from journal_read(current_member(), null, 1) as line"
        )
    };
    for name in ["Secret", "Hide", "Nosuch"] {
        run(&mut app, "begin; select set_config('sphereconnect.token', 'a sergeant', true)").await.unwrap();
        let [write, read] = asked(name).split(';').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
        run(&mut app, &write).await.unwrap();
        let line: Option<String> = sqlx::query_scalar(AssertSqlSafe(read)).fetch_one(&mut app).await.unwrap();
        assert!(line.is_some_and(|line| line.contains(name)), "{name}");
        run(&mut app, "rollback").await.unwrap();
    }
    let mut owner = db.pool.acquire().await.unwrap();
    run(
        &mut owner,
        "update objectives set squad_id = @a5 where id = @ab; update tasks set squad_id = @a5 where id = @ad",
    )
    .await
    .unwrap();
    run(&mut app, "begin; select set_config('sphereconnect.token', 'a sergeant', true), squad_disband(@a5)")
        .await
        .unwrap();
    assert_eq!(value(&mut app, "select count(*) from changes_now() where row_id in (@ab, @ad)").await, "0");
    run(&mut app, "rollback").await.unwrap();
}

/// I-35: one transaction is one member's, and nobody takes back what another did in it.
#[tokio::test]
async fn nobody_signs_or_takes_back_for_another() {
    let db = world().await;
    let mut app = db.app_login().await;
    let token = |name: &str| format!("select set_config('sphereconnect.token', '{name}', true)");
    run(
        &mut app,
        &format!(
            "begin; {}; update ranks set clearance = 'brief' where name = 'Sergeant'; {};
            select journal_write(gen_random_uuid(), 's', 'w', false, 'local', '[]', 'applied', 'r'); commit;
            begin; {}; select undo_last(); commit",
            token("a officer"),
            token("a recruit"),
            token("a recruit")
        ),
    )
    .await
    .unwrap();
    let mut owner = db.pool.acquire().await.unwrap();
    assert_eq!(value(&mut owner, "select clearance from ranks where id = @a3").await, "brief");
    let both = format!(
        "{}; update users set phonetic = 'x' where id = @a6; {}; update users set phonetic = 'x' where id = @a8",
        token("a officer"),
        token("a recruit")
    );
    assert!(told(&mut app, None, &both).await.contains("42501"));
}
