//! The program's login in hostile hands: every table and verb, and every function it may call, with plain SQL over a
//! real connection of that login. Printed as a table; `cargo test --test it hostile -- --nocapture` shows it.

use sqlx::PgConnection;

use super::{TENANT_TABLES, run, value, world};
use crate::support::TestDb;

/// For each table: a row one could insert, a change one could make. `@g` is the guild that is aimed at, and the rows aimed
/// at are somebody else's.
const AIMS: &[(&str, &str, &str)] = &[
    ("guilds", "(name) values ('New')", "description = 'x'"),
    ("users", "(guild_id, name) values (@g0, 'New')", "availability = 'busy'"),
    ("ai_commanders", "(guild_id, system_prompt) values (@g0, 'x')", "system_prompt = 'x'"),
    ("squads", "(guild_id, name) values (@g0, 'New')", "name = 'New'"),
    ("ranks", "(guild_id, name, hierarchy_level) values (@g0, 'New', 9)", "clearance = 'classified'"),
    ("access_levels", "(guild_id, name) values (@g0, 'New')", "user_actions = '{manage_guilds}'"),
    ("objectives", "(guild_id, name) values (@g0, 'New')", "priority = 'low'"),
    ("tasks", "(guild_id, objective_id, name) values (@g0, @ga, 'New')", "status = 'completed'"),
    ("objective_categories", "(guild_id, name) values (@g0, 'New')", "name = 'New'"),
    (
        "objective_categories_junction",
        "(guild_id, objective_id, category_id) values (@g0, @gb, @g9)",
        "category_id = @g9",
    ),
    (
        "user_sessions",
        "(guild_id, user_id, token_hash, expires_at) values (@g0, @g6, encode(sha256('mine'), 'hex'), 'infinity')",
        "expires_at = 'infinity'",
    ),
    (
        "journal",
        "(guild_id, utterance_id, member_id, member_name, source, route, commands, outcome, reply)
            values (@g0, gen_random_uuid(), @g6, 'Ann', 's', 'local', '[]', 'applied', 'r')",
        "reply = 'x'",
    ),
    ("journal_keys", "(guild_id, key) values (@g0, 'x')", "key = 'x'"),
    ("broadcasts", "(guild_id, member_id, member_name, message) values (@g0, @g6, 'Ann', 'x')", "message = 'x'"),
    ("journal_changes", "(guild_id, member_id, kind, row_id) values (@g0, @g6, 'task', @gc)", "after = null"),
];

/// What every member may read of their own guild by voice, and so by SQL: who is there, and how it is ordered.
const OPEN_TO_MEMBERS: &[&str] =
    &["guilds", "users", "ai_commanders", "squads", "ranks", "access_levels", "objective_categories"];

/// Who asks, and for what.
struct Attack {
    name: &'static str,
    /// Statements before the aim; they may try whatever they like.
    before: &'static str,
    guild: &'static str,
}

const ATTACKS: &[Attack] = &[
    Attack { name: "other guild", before: "select set_config('sphereconnect.token', 'a officer', true)", guild: "b" },
    Attack { name: "below right", before: "select set_config('sphereconnect.token', 'a recruit', true)", guild: "a" },
    Attack {
        name: "forged setting",
        before: "select set_config('sphereconnect.token', encode(sha256('a officer'), 'hex'), true);
            select set_config('sphereconnect.guild', @a0::text, true), set_config('sphereconnect.guild_id', @a0::text, true),
                set_config('sphereconnect.member', @a6::text, true), set_config('sphereconnect.user_id', @a6::text, true),
                set_config('search_path', 'pg_temp, public', true), set_config('role', 'sphereconnect_app', true)",
        guild: "a",
    },
    Attack { name: "expired token", before: "select set_config('sphereconnect.token', 'a expired', true)", guild: "a" },
    Attack { name: "no token", before: "select 1", guild: "a" },
];

/// Rows a statement touched, or the SQLSTATE it ended with. Nothing is kept.
async fn came_of(app: &mut PgConnection, before: &str, sql: &str) -> String {
    run(app, &format!("begin; {before}")).await.unwrap();
    let came = match run(app, sql).await {
        Ok(rows) => rows.to_string(),
        Err(error) => error.as_database_error().and_then(|one| one.code()).unwrap().into_owned(),
    };
    run(app, "rollback").await.unwrap();
    came
}

fn aimed_at(table: &str, guild: &str) -> String {
    let id = if table == "guilds" { "id" } else { "guild_id" };
    // Their own row is theirs to change: availability, squad.
    let not_own = if table == "users" && guild == "a" { " and id <> @a8" } else { "" };
    format!("where {id} = @{guild}0{not_own}")
}

/// G2, G5, SE2, J3, J4: tenant table × verb × attack, and no leak in any of them.
#[tokio::test]
async fn no_table_leaks() {
    let db = world().await;
    let mut app = db.app_login().await;
    let mut leaks = Vec::new();
    println!(
        "{:<31}{:<8}{}",
        "table",
        "verb",
        ATTACKS.iter().map(|one| format!("{:<16}", one.name)).collect::<String>()
    );
    let known: Vec<&str> = AIMS.iter().map(|(table, ..)| *table).collect();
    for table in TENANT_TABLES {
        assert!(known.contains(&table), "{table} has no row in the matrix");
    }
    for (table, insert, change) in AIMS {
        for verb in ["select", "insert", "update", "delete"] {
            let mut line = format!("{table:<31}{verb:<8}");
            for attack in ATTACKS {
                let aim = aimed_at(table, attack.guild);
                let sql = match verb {
                    "select" => format!("select from {table} {aim}"),
                    "insert" => format!("insert into {table} {insert}"),
                    "update" => format!("update {table} set {change} {aim}"),
                    _ => format!("delete from {table} {aim}"),
                };
                let came = came_of(&mut app, attack.before, &sql.replace("@g", &format!("@{}", attack.guild))).await;
                let open = verb == "select" && attack.name == "below right" && OPEN_TO_MEMBERS.contains(table);
                let shut = ["0", "42501", "28000", "42704"].contains(&came.as_str());
                if !shut && !open {
                    leaks.push(format!("{table} {verb} {}: {came}", attack.name));
                }
                line.push_str(&format!("{:<16}", if open { format!("{came} (open)") } else { came }));
            }
            println!("{line}");
        }
    }
    println!("{} leaks", leaks.len());
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// What a call gives, as text, or the SQLSTATE.
async fn answer(app: &mut PgConnection, token: &str, call: &str) -> String {
    run(app, &format!("begin; select set_config('sphereconnect.token', '{token}', true)")).await.unwrap();
    let query = super::ids(&format!("select coalesce(string_agg(given::text, ';'), 'none') from {call} as given"));
    let came = match sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(query)).fetch_one(&mut *app).await {
        Ok(text) => text,
        Err(error) => error.as_database_error().and_then(|one| one.code()).unwrap().into_owned(),
    };
    run(app, "rollback").await.unwrap();
    came
}

/// Ways to call a function: each uuid is the given one, each other argument one of a few of its type. With many
/// arguments only the first of a few.
fn calls(name: &str, types: &[String], uuid: &str) -> Vec<String> {
    let few = types.len() > 3;
    let mut all = vec![Vec::new()];
    for one in types {
        let values: Vec<String> = match one.as_str() {
            "uuid" => vec![uuid.to_owned()],
            "uuid[]" => vec![format!("array[{uuid}]::uuid[]")],
            "text" => ["brief", "classified", "password", "objective", "manage_users"]
                .iter()
                .map(|word| format!("'{word}'"))
                .collect(),
            "jsonb" => vec!["'{}'::jsonb".to_owned(), "'[]'::jsonb".to_owned()],
            "integer" | "bigint" | "double precision" | "oid" => vec!["1".to_owned()],
            "boolean" => vec!["true".to_owned()],
            "bytea" => vec!["'x'::bytea".to_owned()],
            other => vec![format!("null::{other}")],
        };
        let values = &values[..if few { 1 } else { values.len() }];
        all = all
            .iter()
            .flat_map(|start: &Vec<String>| {
                values.iter().map(move |value| start.iter().cloned().chain([value.clone()]).collect())
            })
            .collect();
    }
    all.iter().map(|arguments| format!("{name}({})", arguments.join(", "))).collect()
}

/// A line of text that is the same as long as nothing of guild b has changed.
async fn fingerprint(db: &TestDb) -> String {
    let mut owner = db.pool.acquire().await.unwrap();
    let mut all = String::new();
    for table in TENANT_TABLES {
        let rows = format!(
            "select md5(coalesce(string_agg(t::text, ';' order by t::text), '')) from {table} t where guild_id = @b0"
        );
        all.push_str(&value(&mut owner, &rows).await);
    }
    all
}

/// G2: for every function that the program's role may call and that takes ids, an id of another guild gives exactly
/// what an id gives that nobody has, whoever asks; and nothing of the other guild changes.
#[tokio::test]
async fn no_function_tells_of_another_guild() {
    let db = world().await;
    let before = fingerprint(&db).await;
    let functions: Vec<(String, Vec<String>, bool)> = sqlx::query_as(
        "select proname::text, array(select format_type(t, null) from unnest(proargtypes) with ordinality as a (t, n) order by n),
            prosecdef
        from pg_proc
        where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype
            and has_function_privilege('sphereconnect_app', oid, 'execute')
        order by 1",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert!(functions.len() > 20, "{}", functions.len());
    let mut app = db.app_login().await;
    let mut leaks = Vec::new();
    println!("{:<28}{:<9}{:<7}arguments", "function", "definer", "calls");
    for (name, types, definer) in &functions {
        let mut tried = 0;
        if types.iter().any(|one| one.starts_with("uuid")) {
            for thing in "0123456789abcde".chars() {
                let theirs = calls(name, types, &format!("@b{thing}"));
                let nobodys = calls(name, types, &format!("@d{thing}"));
                for (theirs, nobodys) in theirs.iter().zip(&nobodys) {
                    for token in ["a officer", "a recruit", "wrong"] {
                        tried += 1;
                        let (one, other) =
                            (answer(&mut app, token, theirs).await, answer(&mut app, token, nobodys).await);
                        let random = ["sign_in_try"].contains(&name.as_str());
                        if one != other && !random {
                            leaks.push(format!("{token}: {theirs} gives {one}, {nobodys} gives {other}"));
                        }
                    }
                }
            }
        }
        println!("{name:<28}{definer:<9}{tried:<7}{}", types.join(", "));
    }
    println!("{} leaks", leaks.len());
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert_eq!(fingerprint(&db).await, before, "something of guild b changed");
}

/// The catalogue says nothing of others: who is connected, what they run, how full the tables are; and disturbs nobody.
#[tokio::test]
async fn the_catalogue_is_shut() {
    let db = world().await;
    let mut owner = db.pool.acquire().await.unwrap();
    // Done by the migration; the tests' databases are copies, and a copy has the default rights on itself.
    run(&mut owner, "select shut_catalogue()").await.unwrap();
    let mut app = db.app_login().await;
    for sql in [
        "select query from pg_stat_activity",
        "select * from pg_stat_get_activity(null)",
        "select n_live_tup from pg_stat_user_tables",
        "select reltuples from pg_class",
        "select relpages from pg_class where relname = 'guilds'",
        "select pg_relation_size('tasks')",
        "select pg_database_size(current_database())",
        "select * from pg_locks",
        "select pg_terminate_backend(1)",
        "select pg_cancel_backend(1)",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_xact_lock_shared(1)",
        "select lo_create(0)",
        "select pg_notify('x', 'y')",
        "create temporary table x ()",
        "create table x ()",
        "create schema x",
        "create function x() returns int language sql as 'select 1'",
        "select shut_catalogue()",
        "set row_security = off; select count(*) from tasks",
        "set session_replication_role = replica",
        "set role keeper",
        "select rolpassword from pg_authid",
        "select * from pg_statistic",
        "select pg_read_file('PG_VERSION')",
        "copy tasks to program 'cat'",
        "alter table tasks disable row level security",
        "alter role sphereconnect_app bypassrls",
    ] {
        let came = came_of(&mut app, "select set_config('sphereconnect.token', 'a officer', true)", sql).await;
        assert_eq!(came, "42501", "{sql}");
    }
    let told = "select count(*) from pg_stats where schemaname = 'public'";
    assert_eq!(value(&mut app, told).await, "0", "columns' most common values");
}

/// G2: each table has a policy for each verb, for the program's role and for the owner.
#[tokio::test]
async fn every_verb_has_its_policy() {
    let db = world().await;
    let mut owner = db.pool.acquire().await.unwrap();
    let missing = "select coalesce(string_agg(format('%s %s', relname, verb), ', ' order by relname, verb), 'none')
        from pg_class c cross join unnest('{r,a,w,d}'::\"char\"[]) as verb
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relrowsecurity
            and not exists (select from pg_policy where polrelid = c.oid and polcmd in (verb, '*')
                and polroles = array['sphereconnect_app'::regrole::oid])";
    assert_eq!(value(&mut owner, missing).await, "none");
    let bare = "select coalesce(string_agg(relname, ', '), 'none') from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> '_sqlx_migrations'
            and not (relrowsecurity and relforcerowsecurity)";
    assert_eq!(value(&mut owner, bare).await, "none", "without row security");
    let owners = "select coalesce(string_agg(relname, ', '), 'none') from pg_class c
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relrowsecurity
            and not exists (select from pg_policy where polrelid = c.oid and polcmd = '*' and polname = relname || '_keeper')";
    assert_eq!(value(&mut owner, owners).await, "none", "without the owner's");
}
