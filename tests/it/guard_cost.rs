//! What the guard costs: the hot queries of a turn, as the program's role under row security and as the owner with the
//! guild spelled out, on many guilds. Prints a table; the full size of 200 guilds × 500 objectives × 2,000 tasks is
//! `SPHERECONNECT_TEST_GUILDS=200 cargo test --release --test it guard_cost -- --nocapture` and takes some minutes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use crate::support::database;

/// Guilds when nobody says otherwise, so that the whole takes a few seconds.
const GUILDS: u32 = 12;
/// Runs of each query; the median counts.
const RUNS: usize = 21;
/// The most calls of one of the guard's functions in a statement that looks at every task of a guild.
const CALLS_MAX: i64 = 12;

/// Guilds of 50 members, 8 squads, 4 ranks, 500 objectives (every hundredth for the highest rank alone) and 2,000 tasks.
const LOAD: &str = "
set session_replication_role = replica;
insert into guilds (name) select 'G' || n from generate_series(1, @guilds) n;
insert into access_levels (guild_id, name, user_actions) select id, 'All', '{view_objectives,create_objective,
    manage_objectives,view_tasks,manage_tasks,manage_users,manage_squads,manage_ranks,manage_guilds}' from guilds;
insert into ranks (guild_id, name, hierarchy_level, clearance, access_levels)
    select l.guild_id, 'R' || n, n, case n when 1 then 'classified' when 2 then 'tactical' else 'brief' end, array[l.id]
    from access_levels l, generate_series(1, 4) n;
insert into squads (guild_id, name) select g.id, 'S' || n from guilds g, generate_series(1, 8) n;
insert into users (guild_id, name, rank, squad_id)
    select r.guild_id, 'U' || n, r.id, s.id from generate_series(1, 50) n
        join ranks r on r.hierarchy_level = 1 + n % 4 join squads s on s.guild_id = r.guild_id and s.name = 'S' || 1 + n % 8;
insert into objectives (guild_id, name, status, priority, description, lead_id, applicable_rank)
    select u.guild_id, 'O' || n, case when n % 10 < 7 then 'completed' when n % 10 = 7 then 'on_hold' else 'active' end,
        (array['critical', 'high', 'medium', 'low'])[1 + n % 4],
        jsonb_build_object('brief', 'b', 'tactical', 't', 'classified', 'c', 'metrics', jsonb_build_object('m' || n, n)),
        u.id, case when n % 100 = 0 then 'R1' end
    from generate_series(1, 500) n join users u on u.name = 'U' || 1 + n % 50;
insert into tasks (guild_id, objective_id, name, status, priority, lead_id, schedule)
    select o.guild_id, o.id, 'T' || n, case when n % 10 < 7 then 'completed' when n % 10 = 7 then 'in_progress' else 'pending' end,
        (array['critical', 'high', 'medium', 'low'])[1 + n % 4], u.id,
        jsonb_build_object('end', to_char(timestamp '2024-01-01' + n * interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI\"Z\"'))
    from generate_series(1, 2000) n join objectives o on o.name = 'O' || 1 + n % 500
        join users u on u.guild_id = o.guild_id and u.name = 'U' || 1 + n % 47;
insert into user_sessions (guild_id, user_id, token_hash, expires_at)
    select guild_id, id, encode(sha256(convert_to('tok ' || guild_id || name, 'utf8')), 'hex'), 'infinity' from users;
set session_replication_role = origin;
";

/// What a turn asks, the index that has to serve it, and the same for the owner. `$G` is the guild, `$M` a member, `$O` an
/// objective.
const HOT: &[(&str, &str, &str, &str)] = &[
    (
        "a squad's objectives by state",
        "idx_objectives_guild_status",
        "select name from objectives where status = 'on_hold'",
        "select name from objectives where guild_id = $G and status = 'on_hold'",
    ),
    (
        "open tasks of an objective",
        "idx_tasks_objective_status",
        "select name from tasks where objective_id = $O and status = 'pending'",
        "select name from tasks where guild_id = $G and objective_id = $O and status = 'pending'",
    ),
    (
        "my open tasks",
        "idx_tasks_",
        "select name from tasks where lead_id = $M and status in ('pending', 'in_progress')",
        "select name from tasks where guild_id = $G and lead_id = $M and status in ('pending', 'in_progress')",
    ),
    (
        "members of a rank",
        "idx_users_guild_rank",
        "select name from users where rank = (select id from ranks where name = 'R3')",
        "select name from users where guild_id = $G and rank = (select id from ranks where guild_id = $G and name = 'R3')",
    ),
    (
        "overdue tasks",
        "idx_tasks_schedule_end",
        "select name from tasks where schedule_instant(schedule, 'end') < '2024-01-02T00:00Z'",
        "select name from tasks where guild_id = $G and schedule_instant(schedule, 'end') < '2024-01-02T00:00Z'",
    ),
    (
        "one objective to change",
        "objectives_pkey",
        "update objectives set priority = 'high' where id = $O",
        "update objectives set priority = 'high' where guild_id = $G and id = $O",
    ),
    (
        "every task of the guild",
        "idx_tasks_",
        "select count(name) from tasks",
        "select count(name) from tasks where guild_id = $G",
    ),
    (
        "every name that can be said",
        "",
        "select count(*) from guild_names()",
        "with o as (select * from objectives where guild_id = $G), names as materialized (
            select id, name, phonetic, '' as hint from users where guild_id = $G
            union all select id, name, phonetic, 'the ' || status || ' one' from o
            union all select t.id, t.name, t.phonetic, 'in ' || o.name from o
                join tasks t on t.guild_id = o.guild_id and t.objective_id = o.id)
            select count(*) from names",
    ),
];

/// The median time in ms, the buffers, and the plan of a statement.
async fn measured(on: &mut PgConnection, sql: &str) -> (f64, u64, String) {
    let mut times = Vec::new();
    let mut last = String::new();
    for _ in 0..RUNS {
        let mut tx = on.begin().await.unwrap();
        let explain = format!("explain (analyze, buffers, costs off, timing off) {sql}");
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
        tx.rollback().await.unwrap();
        let time = lines.iter().find_map(|line| line.strip_prefix("Execution Time: ")).unwrap();
        times.push(time.trim_end_matches(" ms").parse::<f64>().unwrap());
        last = lines.join("\n");
    }
    times.sort_by(f64::total_cmp);
    let first = last.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared hit=")).unwrap_or("0");
    let buffers = first.split(' ').next().and_then(|one| one.parse().ok()).unwrap_or(0);
    (times[RUNS / 2], buffers, last)
}

/// X5, J9, I-29, I-30: under row security each hot query takes its index, among many guilds, and the guard's functions
/// are asked a few times a statement, not once a row.
#[tokio::test]
async fn hot_queries_stay_hot_under_the_guard() {
    let guilds = std::env::var("SPHERECONNECT_TEST_GUILDS").ok().and_then(|text| text.parse().ok()).unwrap_or(GUILDS);
    let db = database().await;
    let mut owner = db.connect_options().connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(LOAD.replace("@guilds", &guilds.to_string()))).execute(&mut owner).await.unwrap();
    for table in ["guilds", "users", "ranks", "objectives", "tasks", "user_sessions"] {
        sqlx::raw_sql(AssertSqlSafe(format!("vacuum analyze {table}"))).execute(&mut owner).await.unwrap();
    }
    let text = |sql: &'static str| sqlx::query_scalar::<_, String>(sql);
    let guild = text("select id::text from guilds where name = 'G7'").fetch_one(&mut owner).await.unwrap();
    let member = "select id::text from users where guild_id = $1::uuid and name = 'U4'";
    let member = text(member).bind(&guild).fetch_one(&mut owner).await.unwrap();
    let objective = "select id::text from objectives where guild_id = $1::uuid and name = 'O9'";
    let objective = text(objective).bind(&guild).fetch_one(&mut owner).await.unwrap();
    let filled = |sql: &str| {
        let quoted = |id: &str| format!("'{id}'");
        sql.replace("$G", &quoted(&guild)).replace("$M", &quoted(&member)).replace("$O", &quoted(&objective))
    };
    let mut app = db.app_login().await;
    let token = format!("tok {guild}U4");
    sqlx::query("select set_config('sphereconnect.token', $1, false)").bind(token).execute(&mut app).await.unwrap();

    println!("{guilds} guilds, {} objectives, {} tasks; medians of {RUNS}", guilds * 500, guilds * 2000);
    println!("{:<32}{:>10}{:>9}{:>12}{:>9}{:>8}", "query", "guarded", "buffers", "bare owner", "buffers", "ratio");
    for (name, index, guarded, bare) in HOT {
        let (slow, pages, plan) = measured(&mut app, &filled(guarded)).await;
        let (quick, bare_pages, _) = measured(&mut owner, &filled(bare)).await;
        println!("{name:<32}{slow:>7.3} ms{pages:>9}{quick:>9.3} ms{bare_pages:>9}{:>7.1}x", slow / quick);
        assert!(plan.contains(index), "{name}: {plan}");
        assert!(!plan.contains("Seq Scan on tasks") && !plan.contains("Seq Scan on objectives"), "{name}: {plan}");
    }

    // The owner may count calls; under the program's role the counting goes on.
    let mut tx = owner.begin().await.unwrap();
    let begin = format!(
        "set local track_functions = 'all'; set local role sphereconnect_app;
        select set_config('sphereconnect.token', 'tok {guild}U4', true)"
    );
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *tx).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(name) from tasks").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(rows, 2000);
    let counted = "reset role; set local role none";
    sqlx::raw_sql(counted).execute(&mut *tx).await.unwrap();
    let calls: Vec<(String, i64)> = sqlx::query_as(
        "select funcname::text, calls from pg_stat_xact_user_functions where schemaname = 'public' order by 1",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    println!("calls in one statement over {rows} rows: {calls:?}");
    assert!(calls.iter().any(|(name, _)| name == "current_guild"), "{calls:?}");
    // The fences compare the row with what was asked once, and ask nothing themselves.
    let fence = |name: &str| name == "is_in" || name.ends_with("_in_sight");
    let often: Vec<_> = calls.iter().filter(|(name, calls)| *calls > CALLS_MAX && !fence(name)).collect();
    if !often.is_empty() {
        panic!("asked once a row: {often:?}");
    }
}
