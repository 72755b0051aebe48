//! Objectives and tasks in partitions and back, while they are written to: nothing is lost, refused or shown that was
//! not before. Run it with `--nocapture` for the figures.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

use crate::schema::{TENANT_TABLES, catalogue, ids, run, world};
use crate::support::demo::{self, Run};
use crate::support::{TestDb, folder, program};

mod cost;

/// Members who write at the same time.
const WRITERS: usize = 4;
/// Further guilds, and what each has, for what takes time; the published figures were taken with 100 guilds.
const GUILDS: i64 = 15;
const OBJECTIVES: i64 = 200;
const TASKS: i64 = 3;
/// What an operator may have added, so that more than our own migrations is moved.
const ADDED: &str = "
create view late_tasks with (security_barrier=true) as select guild_id, id from tasks where progress < 1;
grant select on late_tasks to sphereconnect_app;
comment on table tasks is 'what is to be done'; comment on index idx_tasks_status is 'by status';
comment on constraint fk_tasks_lead on tasks is 'a member'; comment on column tasks.name is 'said aloud';
comment on trigger touch on tasks is 'the moment'; comment on policy tasks_select on tasks is 'who sees';
create index idx_tasks_name_pattern on tasks (guild_id, lower(name) text_pattern_ops) with (fillfactor=80);
alter table tasks set (fillfactor=90); alter table objectives alter column name set statistics 200;
create trigger idle after update on tasks for each row execute function touch_updated_at();
alter table tasks disable trigger idle;
alter default privileges grant select on tables to sphereconnect_app;";

/// What a member of guild a may try beside what is tried on every table.
const OWN: [&str; 18] = [
    "insert into objectives (guild_id, name) values (@a0, 'New')",
    "insert into tasks (guild_id, objective_id, name) values (@a0, @aa, 'New')",
    "insert into tasks (guild_id, objective_id, name) values (@a0, @ab, 'Hidden')",
    "insert into tasks (guild_id, objective_id, name) values (@a0, @ba, 'Foreign')",
    "insert into tasks (guild_id, objective_id, name, schedule) values (@a0, @aa, 'New', '{\"start\":1}')",
    "update tasks set status = 'completed' where id = @ac",
    "update tasks set lead_id = @b6 where id = @ac",
    "update objectives set applicable_rank = 'Officer' where id = @aa",
    "update objectives set priority = 'high'",
    "select description from objectives",
    "select name from objectives",
    "select name from tasks",
    "select id from late_tasks",
    "select objective_sections(@aa)",
    "select objective_describe(@aa, 'classified', 'x')",
    "select objective_measure(@ab, 'gold', 1)",
    "select category_unlink(@aa, @a9)",
    "select squad_disband(@a5)",
];

fn command(db: &TestDb, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = program(folder);
    command.env("SPHERECONNECT_DATABASE_URL", db.url()).args(["db", "partition"]).args(arguments);
    command
}

async fn partition(db: &TestDb, arguments: &[&str]) -> Run {
    let folder = folder();
    let run = demo::run(command(db, folder.path(), arguments)).await;
    println!("$ sphereconnect db partition {}\n{}{}", arguments.join(" "), run.stdout, run.stderr);
    run
}

async fn text(pool: &PgPool, sql: &str) -> String {
    let sql = format!("select coalesce(({})::text, 'null')", ids(sql));
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await.unwrap()
}

/// The catalogue, and what it says beyond the schema's own comparison.
async fn everything(pool: &PgPool) -> Vec<String> {
    let mut lines = catalogue(pool).await;
    let more: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', 'comment', pg_describe_object(classoid, objoid, objsubid), description)
            from pg_description where classoid <> 'pg_proc'::regclass and objoid >= 16384
        union all
        select concat_ws(' ', 'options', relname, reloptions) from pg_class where relnamespace = 'public'::regnamespace
            and reloptions is not null
        union all
        select concat_ws(' ', 'fires', tgrelid::regclass, tgname, tgenabled) from pg_trigger where not tgisinternal
        union all
        select concat_ws(' ', 'view', viewname, definition) from pg_views where schemaname = 'public'
        union all
        select concat_ws(' ', 'statistics', attrelid::regclass, attname, attstattarget) from pg_attribute
            join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace and attstattarget > 0
        order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    lines.extend(more);
    lines
}

fn assert_same(before: &[String], after: &[String], when: &str) {
    let less: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let more: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(less.is_empty() && more.is_empty(), "{when}: gone {less:#?}, new {more:#?}");
}

/// A checksum of the rows of both tables that `whose` picks.
async fn checksum(pool: &PgPool, whose: &str) -> String {
    let one = |table: &str| {
        format!(
            "(select concat(count(*), ' ', md5(string_agg(t::text, ';' order by guild_id, id))) from {table} t where {whose})"
        )
    };
    text(pool, &format!("concat_ws(' ', {}, {})", one("objectives"), one("tasks"))).await
}

/// What becomes of a statement of the program's role in a session: how many rows, or which refusal. Nothing is kept.
async fn outcome(pool: &PgPool, token: Option<&str>, sql: &str) -> String {
    let mut tx = pool.begin().await.unwrap();
    let sign =
        token.map(|token| format!("select set_config('sphereconnect.token', '{token}', true);")).unwrap_or_default();
    run(&mut tx, &format!("set local role sphereconnect_app; {sign}")).await.unwrap();
    match run(&mut tx, sql).await {
        Ok(rows) => format!("{rows} rows"),
        Err(error) => error.as_database_error().and_then(|one| one.code()).unwrap_or_default().into_owned(),
    }
}

/// P1, I-11, SE2, G2: a hostile client is answered on partitions as before, statement by statement; the partitions
/// themselves are shut; back again the catalogue is what it was.
#[tokio::test]
async fn partitions_guard_what_the_tables_guarded() {
    let db = world().await;
    run(&mut db.pool.acquire().await.unwrap(), ADDED).await.unwrap();
    let mut statements = Vec::new();
    for table in TENANT_TABLES {
        for guild in ["@a0", "@b0"] {
            statements.push(format!("select guild_id from {table} where guild_id = {guild}"));
            statements.push(format!("update {table} set guild_id = guild_id where guild_id = {guild}"));
            statements.push(format!("delete from {table} where guild_id = {guild}"));
            statements.push(format!("insert into {table} (guild_id) values ({guild})"));
        }
        statements.push(format!("select * from {table}"));
        statements.push(format!("truncate {table}"));
    }
    statements.extend(OWN.map(str::to_owned));
    let tokens = [
        Some("a officer"),
        Some("a sergeant"),
        Some("a recruit"),
        Some("b officer"),
        Some("a expired"),
        Some("x"),
        None,
    ];
    let (before, checked) = (everything(&db.pool).await, checksum(&db.pool, "true").await);
    let answers = async || {
        let mut all = Vec::new();
        for token in tokens {
            for sql in &statements {
                all.push(format!("{token:?}: {sql}: {}", outcome(&db.pool, token, sql).await));
            }
        }
        all
    };
    let plain = answers().await;

    partition(&db, &["on", "--partitions", "4"]).await.expect(0, &[]);
    assert_eq!(
        text(
            &db.pool,
            "select count(*) from pg_inherits where inhparent in ('tasks'::regclass, 'objectives'::regclass)"
        )
        .await,
        "8"
    );
    assert_same(&plain, &answers().await, "what a client is told");
    println!("{} statements of a client are answered as before", plain.len());
    for token in tokens {
        for (table, part) in [("objectives", 0), ("objectives", 3), ("tasks", 0), ("tasks", 3)] {
            for sql in [
                "select 1 from #",
                "update # set name = name",
                "delete from #",
                "insert into # (name) values ('x')",
                "truncate #",
            ] {
                let sql = sql.replace('#', &format!("{table}_p{part}"));
                assert_eq!(outcome(&db.pool, token, &sql).await, "42501", "{token:?}: {sql}");
            }
        }
    }
    let open = "select string_agg(relname, ' ') from pg_class where relnamespace = 'public'::regnamespace
        and relispartition and relkind = 'r' and not (relrowsecurity and relforcerowsecurity)";
    assert_eq!(text(&db.pool, open).await, "null", "a partition without row security");
    let stays = "select count(*) from pg_class where relname like '%_former%'";
    assert_eq!(text(&db.pool, stays).await, "0");
    assert_eq!(checksum(&db.pool, "true").await, checked);
    partition(&db, &["on"]).await.expect(2, &["have 4 partitions already"]);
    partition(&db, &["on", "--partitions", "65"]).await.expect(2, &["from 2 to 64"]);

    partition(&db, &["off"]).await.expect(0, &[]);
    assert_same(&before, &everything(&db.pool).await, "the catalogue after on and off");
    assert_eq!(checksum(&db.pool, "true").await, checked);
    assert_same(&plain, &answers().await, "what a client is told at the end");
    partition(&db, &["--dry-run", "on"]).await.expect(0, &[]);
    assert_same(&before, &everything(&db.pool).await, "a dry run");

    // What would be lost stops it.
    let loud = "create function loud() returns trigger language plpgsql as 'begin raise notice ''%'', TG_TABLE_NAME; return new; end';
        create trigger loud after insert on tasks for each row execute function loud()";
    run(&mut db.pool.acquire().await.unwrap(), loud).await.unwrap();
    let before = everything(&db.pool).await;
    partition(&db, &["on"]).await.expect(3, &["nothing was changed", "trigger loud on tasks"]);
    assert_same(&before, &everything(&db.pool).await, "an obstacle");
}

/// What one writer did.
#[derive(Default)]
struct Written {
    turns: i64,
    waited_max: Duration,
}

/// A turn of a member: changes to both tables and to what hangs on them, and the functions that read them.
async fn turn(pool: &PgPool, guild: char) -> Result<(), sqlx::Error> {
    let statements = format!(
        "set local role sphereconnect_app;
        select set_config('sphereconnect.token', '{guild} officer', true);
        select objective_sections(@ga);
        select objective_measure(@ga, 'ore', 1);
        insert into tasks (guild_id, objective_id, name) values (@g0, @ga, 'written');
        select category_unlink(@ga, @g9);
        insert into objective_categories_junction (guild_id, objective_id, category_id) values (@g0, @ga, @g9);
        update tasks set progress = 50 where id = @gc;
        update users set phonetic = 'x' where id = @g6;
        select count(*) from tasks"
    );
    let mut tx = pool.begin().await?;
    run(&mut tx, &statements.replace("@g", &format!("@{guild}"))).await?;
    tx.commit().await
}

/// P1, I-11: on and back while members write all the time: they wait, and nothing else happens to them.
#[tokio::test]
async fn writers_wait_and_lose_nothing() {
    let db = world().await;
    fill(&db, GUILDS / 2).await;
    let others = format!("guild_id not in ({}, {})", ids("@a0"), ids("@b0"));
    let (before, checked) = (everything(&db.pool).await, checksum(&db.pool, &others).await);
    let pool = PgPoolOptions::new().max_connections(8).connect_with(db.connect_options()).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (pool, stop) = (pool.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut written = Written::default();
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    turn(&pool, if writer % 2 == 0 { 'a' } else { 'b' }).await.unwrap();
                    written.waited_max = written.waited_max.max(began.elapsed());
                    written.turns += 1;
                }
                written
            })
        })
        .collect();
    // A function with a compiled body, called alone: it waits for the tables by number.
    let (reading, reader_stop) = (pool.clone(), Arc::clone(&stop));
    let reader = tokio::spawn(async move {
        let mut count = 0_u32;
        while !reader_stop.load(Ordering::Relaxed) {
            let mut tx = reading.begin().await.unwrap();
            run(
                &mut tx,
                "set local role sphereconnect_app; select set_config('sphereconnect.token', 'a officer', true)",
            )
            .await
            .unwrap();
            let found: Option<String> =
                sqlx::query_scalar(AssertSqlSafe(ids("select objective_sections(@aa) ->> 'brief'")))
                    .fetch_one(&mut *tx)
                    .await
                    .unwrap();
            assert_eq!(found.as_deref(), Some("b"));
            count += 1;
        }
        count
    });
    for direction in [["on", "--partitions=4"].as_slice(), &["off"], &["on"], &["off"]] {
        partition(&db, direction).await.expect(0, &[]);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut turns, mut waited_max) = (0, Duration::ZERO);
    for writer in writers {
        let written = writer.await.unwrap();
        assert!(written.turns > 4, "a writer was starved");
        turns += written.turns;
        waited_max = waited_max.max(written.waited_max);
    }
    println!(
        "{turns} turns of {WRITERS} members and {} reads; the longest turn took {waited_max:?}",
        reader.await.unwrap()
    );
    assert_eq!(text(&db.pool, "select count(*) from tasks where name = 'written'").await, turns.to_string());
    let ore = "select sum((description #>> '{metrics,ore}')::int8) from objectives where description #> '{metrics,ore}' is not null";
    assert_eq!(text(&db.pool, ore).await, turns.to_string(), "every report counts");
    assert_eq!(checksum(&db.pool, &others).await, checked, "who did not play has every row");
    assert_same(&before, &everything(&db.pool).await, "the catalogue");
}

/// Further guilds with objectives and tasks, written as fast as possible.
async fn fill(db: &TestDb, guilds: i64) {
    let sql = format!(
        "begin; set local session_replication_role = replica;
        insert into guilds (id, name) select gen_random_uuid(), 'Many ' || n from generate_series(1, {guilds}) n;
        insert into access_levels (guild_id, name, user_actions) select id, 'Crew', '{{view_objectives,view_tasks,manage_tasks}}'
            from guilds where name like 'Many %';
        insert into ranks (guild_id, name, hierarchy_level, access_levels) select guild_id, 'Crew', 1, array[id]
            from access_levels where name = 'Crew';
        insert into users (guild_id, name, rank) select guild_id, 'Member', id from ranks where name = 'Crew';
        insert into user_sessions (guild_id, user_id, token_hash, expires_at)
            select guild_id, u.id, encode(sha256(convert_to(g.name, 'utf8')), 'hex'), now() + interval '1 hour'
            from users u join guilds g on g.id = guild_id where g.name like 'Many %';
        insert into objectives (guild_id, name) select id, 'Objective ' || n from guilds, generate_series(1, {OBJECTIVES}) n
            where name like 'Many %';
        insert into tasks (guild_id, objective_id, name, lead_id)
            select o.guild_id, o.id, 'Task ' || n, case when n = 1 and o.name like '%7' then u.id end
            from objectives o join users u on u.guild_id = o.guild_id and u.name = 'Member', generate_series(1, {TASKS}) n;
        commit; analyze"
    );
    run(&mut db.pool.acquire().await.unwrap(), &sql).await.unwrap();
}
