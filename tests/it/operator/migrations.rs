//! Migrations on a database that holds something, and programs that migrate at the same time.

use serde_json::Value;
use sqlx::migrate::Migrator;

use super::{Sums, lasting, number, operator, sums, text};
use crate::schema::{run as run_sql, world, world_of};
use crate::support::demo::run;
use crate::support::{database_unmigrated, folder};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// The version at which all tables of the document are there, so that two guilds fit.
const TABLES: i64 = 20261122000004;

fn versions() -> Vec<i64> {
    MIGRATIONS.iter().filter(|one| one.migration_type.is_up_migration()).map(|one| one.version).collect()
}

/// M1, I-34: with two guilds in it, each migration goes up and down, and the rows that were there before are the same
/// rows by count and checksum, whatever columns came and went.
#[tokio::test]
async fn migrations_go_up_and_down_with_two_guilds_in_them() {
    let db = database_unmigrated().await;
    MIGRATIONS.run_to(TABLES, &db.pool).await.unwrap();
    let mut owner = db.pool.acquire().await.unwrap();
    for guild in ["a", "b"] {
        // The journal comes with a later migration.
        let world = world_of(guild);
        let before_journal = world.split("insert into journal ").next().unwrap();
        run_sql(&mut owner, before_journal).await.unwrap();
    }
    drop(owner);
    let mut on_the_way: Vec<(i64, Sums)> = vec![(TABLES, sums(&db.pool).await)];
    assert_eq!(on_the_way[0].1["guilds"].0, 2);
    for version in versions().into_iter().filter(|version| *version > TABLES) {
        MIGRATIONS.run_to(version, &db.pool).await.unwrap();
        on_the_way.push((version, sums(&db.pool).await));
    }
    let counts =
        |sums: &Sums| -> Vec<(String, i64)> { sums.iter().map(|(table, one)| (table.clone(), one.0)).collect() };
    for pair in on_the_way.windows(2) {
        for (table, rows) in counts(&pair[0].1) {
            assert_eq!(pair[1].1[&table].0, rows, "{table} loses no row in {}", pair[1].0);
        }
    }
    while let Some((version, expected)) = on_the_way.pop() {
        MIGRATIONS.undo(&db.pool, version).await.unwrap();
        let now = sums(&db.pool).await;
        // What a migration filled of its own is no row of a guild.
        let same = |all: &Sums| {
            let mut all = lasting(all.clone());
            all.retain(|table, _| table != "sign_in_secret");
            all
        };
        assert_eq!(same(&now), same(&expected), "down to {version}");
        println!("{version}: {} tables of two guilds, the same after up and down", expected.len());
    }
}

/// M1: several programs that start at once on an old schema all come up, and each migration was applied once.
#[tokio::test]
async fn programs_that_migrate_at_once_wait_for_each_other() {
    let (db, files) = (database_unmigrated().await, folder());
    let oldest = versions()[0];
    MIGRATIONS.run_to(oldest, &db.pool).await.unwrap();
    let all = (0..4).map(|_| run(operator(&db, &files, &["--json", "db", "migrate"])));
    let mut running = tokio::task::JoinSet::new();
    for one in all.collect::<Vec<_>>() {
        running.spawn(one);
    }
    let expected = i64::try_from(versions().len()).unwrap();
    while let Some(done) = running.join_next().await {
        let told: Value = serde_json::from_str(&done.unwrap().expect(0, &[]).stdout).unwrap();
        assert_eq!(told["migrations"], expected);
    }
    assert_eq!(number(&db.pool, "select count(*) from _sqlx_migrations where success").await, expected);
}

/// M1: a schema that a newer program made is refused by every command but the status, which says so; and an older one
/// is maintained only after it was migrated.
#[tokio::test]
async fn a_newer_schema_is_refused_and_an_older_one_migrated() {
    let (db, files) = (world().await, folder());
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (20990101000001, 'from the future', true, '\\x00', 0)";
    let before = sums(&db.pool).await;
    sqlx::query(newer).execute(&db.pool).await.unwrap();
    run(operator(&db, &files, &["db", "migrate"])).await.expect(3, &["20990101000001", "update the program"]);
    let status = run(operator(&db, &files, &["--json", "db", "status"])).await;
    let told: Value = serde_json::from_str(&status.expect(1, &[]).stdout).unwrap();
    assert_eq!((&told["schema"]["state"], &told["guilds"]), (&"newer".into(), &2.into()));
    assert_eq!(sums(&db.pool).await, before);
    // What is saved of it can be restored by the newer program only.
    let path = files.path().join("newer.dump");
    run(operator(&db, &files, &["db", "backup", text(&path)])).await.expect(0, &[]);
    run(operator(&db, &files, &["db", "restore", "--force", text(&path)])).await.expect(2, &["update the program"]);
    sqlx::query("delete from _sqlx_migrations where version = 20990101000001").execute(&db.pool).await.unwrap();

    // A backup of an older schema is migrated once it is back.
    let all = versions();
    let older = all[all.len() - 2].max(TABLES);
    let undone = all.iter().filter(|version| **version > older).count();
    MIGRATIONS.undo(&db.pool, older).await.unwrap();
    run(operator(&db, &files, &["db", "maintain"])).await.expect(2, &["older", "db migrate"]);
    let saved = sums(&db.pool).await;
    for (name, option) in [("full.dump", None), ("data.dump", Some("--data"))] {
        let path = files.path().join(name);
        let mut arguments = vec!["db", "backup", text(&path)];
        arguments.extend(option);
        run(operator(&db, &files, &arguments)).await.expect(0, &[]);
    }
    for name in ["full.dump", "data.dump"] {
        let path = files.path().join(name);
        let restored = run(operator(&db, &files, &["--json", "db", "restore", "--force", text(&path)])).await;
        let told: Value = serde_json::from_str(&restored.expect(0, &[]).stdout).unwrap();
        assert_eq!(told["migrated"], undone, "{name}");
        let now = sums(&db.pool).await;
        for (table, (rows, _)) in lasting(saved.clone()) {
            assert_eq!(now[&table].0, rows, "{name}: {table}");
        }
        assert_eq!(number(&db.pool, "select count(*) from _sqlx_migrations").await, i64::try_from(all.len()).unwrap());
    }
}
