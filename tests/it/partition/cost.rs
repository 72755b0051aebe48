//! What partitions cost, what is read of them, and what a killed partitioning leaves.

use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use super::{GUILDS, assert_same, checksum, command, everything, fill, partition};
use crate::schema::{run, world};
use crate::support::{TestDb, folder};

/// How often a statement is timed.
const TIMED: usize = 40;
/// The longest wait for something in another process.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What members ask and do most.
const HOT: [(&str, &str); 4] = [
    ("my open tasks", "select t.id, t.name, o.name from tasks t join objectives o on o.guild_id = t.guild_id and o.id = t.objective_id
        where t.guild_id = (select current_guild()) and t.lead_id = (select current_member())
            and t.status in ('pending', 'in_progress', 'on_hold')"),
    ("all objectives", "select id, name, status from objectives where guild_id = (select current_guild())"),
    ("tasks of an objective", "select id, name from tasks where guild_id = (select current_guild()) and objective_id = (
        select id from objectives where guild_id = (select current_guild()) and name = 'Objective 77')"),
    ("a task's progress", "update tasks set progress = 10 where guild_id = (select current_guild()) and id = (
        select id from tasks where guild_id = (select current_guild()) limit 1)"),
];

async fn as_member(on: &mut PgConnection) {
    run(on, "set local role sphereconnect_app; select set_config('sphereconnect.token', 'Many 7', true)")
        .await
        .unwrap();
}

/// The median time of each hot statement in milliseconds, planned each time and prepared once as the program does it.
async fn time(db: &TestDb) -> Vec<[f64; 2]> {
    let mut medians = Vec::new();
    let mut connection = db.pool.acquire().await.unwrap();
    for (_, sql) in HOT {
        let mut both = [0.0; 2];
        for (prepared, median) in both.iter_mut().enumerate() {
            let mut times = Vec::new();
            for _ in 0..TIMED {
                let mut tx = connection.begin().await.unwrap();
                as_member(&mut tx).await;
                let began = Instant::now();
                let done = sqlx::query(sql).persistent(prepared == 1).execute(&mut *tx).await;
                done.unwrap();
                times.push(began.elapsed().as_secs_f64() * 1000.0);
            }
            times.sort_by(f64::total_cmp);
            *median = times[TIMED / 2];
        }
        medians.push(both);
    }
    medians
}

/// P1, I-11: on partitions each question reads one partition; a killed partitioning leaves no trace.
#[tokio::test]
async fn only_the_guilds_own_partition_is_read() {
    let db = world().await;
    fill(&db, GUILDS).await;
    let plain = time(&db).await;
    let (before, checked) = (everything(&db.pool).await, checksum(&db.pool, "true").await);

    // Killed while it moves the rows.
    let folder = folder();
    let mut killed = command(&db, folder.path(), &["on"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let moving = "select coalesce(max(pid), 0)::int8 from pg_stat_activity where datname = current_database()
        and pid <> pg_backend_pid() and state = 'active'
        and (query ilike 'copy public.%' or query ilike 'create%index%' or query ilike 'alter table%')";
    let pid = until("it moves rows", &db.pool, moving, |pid| pid > 0).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    let left = format!("select count(*) from pg_stat_activity where pid = {pid}");
    until("its connection ends", &db.pool, &left, |count| count == 0).await;
    assert_same(&before, &everything(&db.pool).await, "after a kill");
    assert_eq!(checksum(&db.pool, "true").await, checked);

    partition(&db, &["on"]).await.expect(0, &[]);
    assert_eq!(checksum(&db.pool, "true").await, checked);
    let spread = time(&db).await;
    for (at, (what, sql)) in HOT.iter().enumerate() {
        for (how, [one, eight]) in
            [("planned each time", [plain[at][0], spread[at][0]]), ("prepared", [plain[at][1], spread[at][1]])]
        {
            println!(
                "{what}, {how}: {one:.2} ms in one piece, {eight:.2} ms in 8 partitions, ratio {:.1}",
                eight / one
            );
        }
        let mut tx = db.pool.begin().await.unwrap();
        as_member(&mut tx).await;
        let explain = AssertSqlSafe(format!("explain (analyze, costs off, timing off, summary off) {sql}"));
        let lines: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut *tx).await.unwrap();
        let scans: Vec<&String> =
            lines.iter().filter(|line| line.contains(" on tasks_p") || line.contains(" on objectives_p")).collect();
        let read: Vec<&&String> =
            scans.iter().filter(|line| line.contains("Scan") && !line.contains("never executed")).collect();
        let pieces: std::collections::BTreeSet<&str> =
            read.iter().filter_map(|line| line.split("_p").last()?.split([' ', '_']).next()).collect();
        assert_eq!(pieces.len(), 1, "{what} reads one partition:\n{}", lines.join("\n"));
    }
    partition(&db, &["off"]).await.expect(0, &[]);
    assert_same(&before, &everything(&db.pool).await, "at the end");
}

async fn until(what: &str, pool: &PgPool, question: &str, done: impl Fn(i64) -> bool) -> i64 {
    let began = Instant::now();
    loop {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(question.to_owned())).fetch_one(pool).await.unwrap();
        if done(count) {
            return count;
        }
        assert!(began.elapsed() < WAIT_MAX, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
