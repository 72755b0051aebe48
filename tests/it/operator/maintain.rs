//! `db maintain` and `db status`.

use serde_json::Value;

use super::{number, operator, sums};
use crate::schema::world;
use crate::support::demo::run;
use crate::support::folder;

const DEAD: &str = "select n_dead_tup from pg_stat_user_tables where relname = 'tasks'";

/// O1, O2, O3, I-12, I-14: dead rows go, statistics come, an index that an interrupted reindexing left is dropped and
/// every other built anew, expired sessions are removed and others not; and the status tells all of it.
#[tokio::test]
async fn maintenance_does_what_status_shows() {
    let (db, files) = (world().await, folder());
    // Else autovacuum might be first.
    sqlx::raw_sql("alter table tasks set (autovacuum_enabled = off)").execute(&db.pool).await.unwrap();
    let mut on = db.pool.acquire().await.unwrap();
    let bloat = "insert into tasks (guild_id, objective_id, name)
            select guild_id, objective_id, 'Gone' from tasks, generate_series(1, 100);
        delete from tasks where name = 'Gone'";
    sqlx::raw_sql(bloat).execute(&mut *on).await.unwrap();
    // A session tells its counts when it has been idle for a while, unless it is asked to.
    sqlx::raw_sql("select pg_stat_force_next_flush()").execute(&mut *on).await.unwrap();
    drop(on);
    // A unique index that cannot be: what is left of it looks like what a killed reindexing leaves.
    let left = "create unique index concurrently idx_tasks_status_ccnew on tasks (status)";
    sqlx::raw_sql(left).execute(&db.pool).await.unwrap_err();
    let before = sums(&db.pool).await;
    let status = status(&db, &files).await;
    let tasks = of(&status, "tables", "table", "tasks");
    assert!(tasks["dead"].as_i64().unwrap() >= 200, "{tasks}");
    let shares: Vec<f64> =
        status["tables"].as_array().unwrap().iter().map(|one| one["dead_share"].as_f64().unwrap()).collect();
    assert!(shares.is_sorted_by(|one, next| one >= next), "sorted, descending: {shares:?}");
    assert_eq!(of(&status, "indexes", "index", "idx_tasks_status_ccnew")["valid"], false);
    assert_eq!(of(&status, "indexes", "index", "users_pkey")["unused"], false, "a constraint needs it");

    let other = run(operator(&db, &files, &["--json", "db", "maintain", "--index", "idx_tasks_status"])).await;
    let steps = lines(&other.expect(0, &[]).stdout);
    let told: Vec<&str> = steps.iter().map(|one| one["step"].as_str().unwrap()).collect();
    assert_eq!(told, ["leftover", "reindex"], "{steps:?}");
    run(operator(&db, &files, &["db", "maintain", "--index", "idx_none"])).await.expect(2, &["no index", "idx_none"]);
    assert!(number(&db.pool, DEAD).await >= 200, "only the index");

    sqlx::raw_sql(left).execute(&db.pool).await.unwrap_err();
    let nodes = "select relfilenode::int8 from pg_class where relname = 'idx_tasks_status'";
    let node = number(&db.pool, nodes).await;
    let all = run(operator(&db, &files, &["--json", "db", "maintain"])).await;
    let steps = lines(&all.expect(0, &[]).stdout);
    assert!(steps.iter().all(|one| one["outcome"] == "done"), "{steps:?}");
    assert_eq!(number(&db.pool, DEAD).await, 0);
    assert_ne!(number(&db.pool, nodes).await, node, "built anew");
    let invalid = "select count(*) from pg_index where not indisvalid";
    assert_eq!(number(&db.pool, invalid).await, 0);
    assert_eq!(number(&db.pool, "select count(*) from user_sessions where expires_at < now()").await, 0);
    assert_eq!(number(&db.pool, "select count(*) from user_sessions").await, 6, "who is signed in stays so");
    let after = sums(&db.pool).await;
    let changed: Vec<&String> = after.keys().filter(|table| after[*table] != before[*table]).collect();
    assert_eq!(changed, ["user_sessions"]);
    let status = self::status(&db, &files).await;
    let tasks = of(&status, "tables", "table", "tasks");
    assert!(tasks["vacuumed_at"].is_string() && tasks["analyzed_at"].is_string(), "{tasks}");

    let people = run(operator(&db, &files, &["db", "maintain", "--only", "analyze,sessions"])).await;
    assert!(people.expect(0, &[]).stdout.contains("0 expired sessions removed"), "{people:?}");
    assert!(!people.stdout.contains("reindex") && people.stdout.contains("analyze tasks"), "{people:?}");
}

/// O2, O3: programs write while the maintenance runs, and a table that somebody holds is left for the next time.
#[tokio::test]
async fn maintenance_waits_for_nobody_and_holds_nobody_up() {
    let (db, files) = (world().await, folder());
    let pool = db.pool.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let writer = tokio::spawn(async move {
        let mut written = 0_i64;
        while stopped.try_recv().is_err() {
            sqlx::query("update tasks set phonetic = 'z'").execute(&pool).await.unwrap();
            written += 1;
        }
        written
    });
    for _ in 0..3 {
        run(operator(&db, &files, &["db", "maintain"])).await.expect(0, &[]);
    }
    stop.send(()).unwrap();
    let written = writer.await.unwrap();
    println!("{written} writes during three maintenances");
    assert!(written > 10, "{written}");

    let mut held = db.pool.acquire().await.unwrap();
    sqlx::query("select pg_advisory_lock(hashtext('sphereconnect db maintain'))").execute(&mut *held).await.unwrap();
    run(operator(&db, &files, &["db", "maintain"])).await.expect(2, &["another `db maintain`"]);
}

/// O1, O3, I-12: who holds the database up is seen, by state and age, and never by what was said.
#[tokio::test]
async fn status_shows_who_holds_it_up() {
    let (db, files) = (world().await, folder());
    let mut holder = db.pool.begin().await.unwrap();
    sqlx::query("select 'a secret word' from tasks for update").execute(&mut *holder).await.unwrap();
    let pool = db.pool.clone();
    let waiter =
        tokio::spawn(async move { sqlx::query("update tasks set phonetic = 'w'").execute(&pool).await.unwrap() });
    let waits = "select count(*) from pg_locks where not granted and pid in
        (select pid from pg_stat_activity where datname = current_database())";
    while number(&db.pool, waits).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let status = status(&db, &files).await;
    assert_eq!(status["oldest_transaction"]["state"], "idle in transaction", "{status}");
    assert!(status["longest_wait"]["waits_for"].as_array().is_some_and(|all| all.len() == 1), "{status}");
    assert!(status["connections"].as_array().is_some_and(|all| !all.is_empty()), "{status}");
    assert!(!status.to_string().contains("secret word"));
    let autovacuum = serde_json::json!({"on": true, "workers": 3, "naptime_seconds": 20, "as_recommended": true});
    assert_eq!(status["autovacuum"], autovacuum, "as the embedded database is set up");
    assert!(status["size_bytes"].as_i64().unwrap() > 0 && status["archive"]["mode"].is_string(), "{status}");
    assert_eq!((&status["guilds"], &status["schema"]["state"]), (&2.into(), &"current".into()), "{status}");
    holder.rollback().await.unwrap();
    waiter.await.unwrap();
    let page = run(operator(&db, &files, &["db", "status"])).await;
    for part in ["server", "PostgreSQL", "oldest transaction", "autovacuum", "as recommended", "live rows", "scans"] {
        assert!(page.expect(0, &[]).stdout.contains(part), "{part}: {page:?}");
    }
}

async fn status(db: &crate::support::TestDb, files: &crate::support::Folder) -> Value {
    let told = run(operator(db, files, &["--json", "db", "status"])).await;
    serde_json::from_str(&told.expect(0, &[]).stdout).unwrap()
}

fn of<'v>(status: &'v Value, list: &str, key: &str, name: &str) -> &'v Value {
    status[list].as_array().unwrap().iter().find(|one| one[key] == name).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
