//! The operator's commands, from outside, on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::schema::{catalogue, world};
use crate::support::demo::{FILE, Run, run};
use crate::support::{Folder, TestDb, database_unmigrated, folder, program};

mod backups;
mod maintain;
mod migrations;

/// Each table's rows: how many, and a checksum of all of them. By a way of its own, not the program's.
type Sums = BTreeMap<String, (i64, String)>;

/// The program with a database, as whoever owns it.
fn operator(db: &TestDb, folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = program(folder.path());
    command.env("SPHERECONNECT_DATABASE_URL", db.url()).args(arguments);
    command
}

/// The same under another role.
fn operator_as(role: &str, db: &TestDb, folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = operator(db, folder, arguments);
    command.env("SPHERECONNECT_DATABASE_URL", format!("{}&options=-c%20role%3D{role}", db.url()));
    command
}

async fn sums(pool: &PgPool) -> Sums {
    sums_on(&mut pool.acquire().await.unwrap()).await.unwrap()
}

/// The same on one connection, which sees one database whatever is renamed meanwhile.
async fn sums_on(on: &mut PgConnection) -> Result<Sums, sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
            and not relispartition and relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *on)
    .await?;
    let mut all = Sums::new();
    for table in tables {
        let sql =
            format!("select count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t");
        all.insert(table, sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *on).await?);
    }
    Ok(all)
}

/// Without what no restore brings back.
fn lasting(mut sums: Sums) -> Sums {
    sums.retain(|table, _| !matches!(table.as_str(), "user_sessions" | "sign_in_tries"));
    sums
}

async fn number(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// B1, B2, I-13: each of the three backups is one command; after the database was wiped each brings back what it
/// saved, by count and checksum, and a player's session is not among it.
#[tokio::test]
async fn backup_wipe_restore_brings_everything_back() {
    let (db, files) = (world().await, folder());
    let before = sums(&db.pool).await;
    let schema = catalogue(&db.pool).await;
    assert!(before["users"].0 == 6 && before["user_sessions"].0 == 8, "{before:?}");
    let file = |name: &str| files.path().join(name);
    for (name, option) in [("full.dump", None), ("schema.dump", Some("--schema")), ("data.dump", Some("--data"))] {
        let path = file(name);
        let mut arguments = vec!["db", "backup", text(&path)];
        arguments.extend(option);
        let made = run(operator(&db, &files, &arguments)).await;
        println!("{}", made.expect(0, &[]).stdout.replace(text(files.path()), "backups"));
        run(operator(&db, &files, &arguments)).await.expect(2, &["is there already", "--force"]);
        arguments.push("--force");
        run(operator(&db, &files, &arguments)).await.expect(0, &[]);
        for one in [path.clone(), file(&format!("{name}.json"))] {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(one.metadata().unwrap().permissions().mode() & 0o777, 0o600, "only its owner reads it");
        }
    }
    let left: Vec<_> =
        files.path().read_dir().unwrap().flatten().filter(|one| text(&one.path()).contains(".part")).collect();
    assert!(left.is_empty(), "{left:?}");

    let refused = run(operator(&db, &files, &["db", "restore", text(&file("full.dump"))])).await;
    refused.expect(2, &["2 guilds", "Guild a, Guild b", "--force"]);
    assert_eq!(sums(&db.pool).await, before, "a refusal changes nothing");

    let mut log = Vec::new();
    for (name, full) in [("full.dump", true), ("schema.dump", false), ("data.dump", true)] {
        sqlx::query("delete from guilds").execute(&db.pool).await.unwrap();
        assert_eq!(number(&db.pool, "select count(*) from users").await, 0, "wiped");
        let restored = run(operator(&db, &files, &["db", "restore", text(&file(name))])).await;
        log.push(restored.expect(0, &[]).stdout.replace(text(files.path()), "backups"));
        let after = sums(&db.pool).await;
        if full {
            assert_eq!(lasting(after.clone()), lasting(before.clone()), "{name}");
        } else {
            assert!(lasting(after.clone()).values().all(|(rows, _)| *rows == 0), "{name}: {after:?}");
        }
        assert_eq!(after["user_sessions"].0, 0, "{name}: nobody is signed in");
        let now = catalogue(&db.pool).await;
        assert_eq!(without_brackets(&now), without_brackets(&schema), "{name}");
    }
    println!("{}", log.join("\n"));
    for (table, (rows, checksum)) in sums(&db.pool).await {
        println!("{table:<30} {rows:>3} rows  {checksum}  before {}", before[&table].1);
    }
}

/// An expression that was written down and read back may have fewer brackets.
fn without_brackets(lines: &[String]) -> Vec<String> {
    let mut plain: Vec<String> = lines.iter().map(|line| line.replace(['(', ')'], "")).collect();
    plain.sort();
    plain
}

/// B2: an owner that is no superuser saves and restores as well, its own backup and one that a superuser made; the
/// old database stays beside the new one, with everything in it, and grants and settings of the database go over.
#[tokio::test]
async fn a_plain_owner_restores_too() {
    let (db, files) = (database_unmigrated().await, folder());
    let owner = format!("owner_{}", db.name);
    let set_up = format!(
        "create role {owner} createdb createrole; alter database {0} owner to {owner}; \
         revoke all on database {0} from public; grant connect on database {0} to sphereconnect_app; \
         alter database {0} set work_mem = '5MB'",
        db.name
    );
    sqlx::raw_sql("do $$ begin create role sphereconnect_app; exception when duplicate_object or unique_violation then null; end $$")
        .execute(&db.pool)
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(set_up)).execute(&db.pool).await.unwrap();
    let as_owner = |arguments: &[&str]| run(operator_as(&owner, &db, &files, arguments));
    as_owner(&["guild", "import", FILE]).await.expect(0, &[]);
    let before = sums(&db.pool).await;
    assert!(before["users"].0 > 20, "{before:?}");

    let superusers = world().await;
    let foreign = files.path().join("foreign.dump");
    run(operator(&superusers, &files, &["db", "backup", text(&foreign)])).await.expect(0, &[]);
    for (name, option) in [("full.dump", "--force"), ("data.dump", "--data")] {
        let path = files.path().join(name);
        as_owner(&["db", "backup", text(&path), option]).await.expect(0, &[]);
    }
    let grants = "select count(*) from pg_database d, aclexplode(datacl) where datname = current_database()
        and (grantee = 0 or grantee = 'sphereconnect_app'::regrole and privilege_type = 'CONNECT')";
    for (name, expected) in
        [("foreign.dump", &sums(&superusers.pool).await), ("full.dump", &before), ("data.dump", &before)]
    {
        // The last step ends the other sessions, which a plain owner may do only to its own.
        db.pool.close().await;
        let path = files.path().join(name);
        let restored = as_owner(&["db", "restore", "--force", text(&path)]).await;
        assert!(restored.expect(0, &[]).stdout.contains("kept as"), "{restored:?}");
        let pool = PgPool::connect_with(db.connect_options()).await.unwrap();
        assert_eq!(lasting(sums(&pool).await), lasting(expected.clone()), "{name}");
        assert_eq!(number(&pool, grants).await, 1, "{name}: the players' role may connect, nobody else");
        let setting: String = sqlx::query_scalar("show work_mem").fetch_one(&pool).await.unwrap();
        assert_eq!(setting, "5MB", "{name}");
        let strange = "select count(*) from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r'
            and (relowner <> (select datdba from pg_database where datname = current_database())
                or relrowsecurity and not exists (select from pg_policy where polrelid = c.oid
                    and polname = c.relname || '_keeper' and polroles = array[c.relowner]))";
        assert_eq!(
            number(&pool, strange).await,
            0,
            "{name}: the owner owns all of it, and the policies let it through"
        );
        pool.close().await;
    }
    let kept = db.connect_options().database(&format!("{}_before_restore", db.name));
    let pool = PgPool::connect_with(kept).await.unwrap();
    assert_eq!(lasting(sums(&pool).await), lasting(before), "what the last restore replaced");
    pool.close().await;
    as_owner(&["guild", "export"]).await.expect(0, &[]);

    // Another owner is let through by no policy, and a backup of what it sees would be empty.
    let pool = PgPool::connect_with(db.connect_options()).await.unwrap();
    let other = format!("create role other_{0}; alter table guilds owner to other_{0}", db.name);
    sqlx::raw_sql(AssertSqlSafe(other)).execute(&pool).await.unwrap();
    let path = files.path().join("hidden.dump");
    let refused = run(operator_as(&format!("other_{}", db.name), &db, &files, &["db", "backup", text(&path)])).await;
    refused.expect(2, &["their policies hide rows", "guilds"]);
}

/// G2: a player's login gets no answer from any of the operator's commands.
#[tokio::test]
async fn a_players_login_is_refused() {
    let (db, files) = (world().await, folder());
    let path = files.path().join("stolen.dump");
    let commands: [&[&str]; 5] = [
        &["db", "status"],
        &["db", "backup", text(&path)],
        &["--guild", "Guild a", "db", "backup", text(&path)],
        &["db", "restore", "--force", text(&path)],
        &["db", "maintain"],
    ];
    for command in commands {
        let refused: Run = run(operator_as("sphereconnect_app", &db, &files, command)).await;
        refused.expect(2, &["does not own the guild's tables"]);
        assert_eq!(refused.stdout, "", "{command:?}");
    }
    assert!(!path.exists());
}
