//! Backups that cannot be restored, restores that are killed, and one guild as a file.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use sqlx::{ConnectOptions as _, PgPool};

use super::{Sums, lasting, number, operator, sums, sums_on, text};
use crate::schema::world;
use crate::support::demo::run;
use crate::support::{TestDb, folder};

/// B2: a file that was cut off or changed, that lost its manifest, or that a newer program made, changes nothing.
#[tokio::test]
async fn what_is_no_whole_backup_changes_nothing() {
    let (db, files) = (world().await, folder());
    let before = sums(&db.pool).await;
    let good = files.path().join("good.dump");
    run(operator(&db, &files, &["db", "backup", text(&good)])).await.expect(0, &[]);
    let bytes = fs::read(&good).unwrap();
    let manifest = fs::read_to_string(files.path().join("good.dump.json")).unwrap();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&manifest).unwrap();
        edit(&mut value);
        Some(value.to_string())
    };
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let foreign = b"PGDMP is how such a file begins".to_vec();
    let of_foreign = |value: &mut Value| {
        value["bytes"] = foreign.len().into();
        value["sha256"] = "7d".into();
    };
    let rows = |value: &mut Value| value["tables"]["users"]["rows"] = 7.into();
    let checksum = |value: &mut Value| value["tables"]["tasks"]["checksum"] = "1".into();
    let schema = |value: &mut Value| value["catalogue"] = "another".into();
    let newer = |value: &mut Value| value["migrations"] = serde_json::json!([20990101000001_i64]);
    let cases: [(&str, &[u8], Option<String>, &str); 10] = [
        ("cut.dump", &bytes[..middle], Some(manifest.clone()), "cut off"),
        ("changed.dump", &changed, Some(manifest.clone()), "changed or damaged"),
        ("alone.dump", &bytes, None, "keep them together"),
        ("broken.dump", &bytes, Some("{".to_owned()), "broken"),
        ("foreign.dump", &foreign, edited(&of_foreign), "changed or damaged"),
        ("newer.dump", &bytes, edited(&newer), "update the program"),
        ("format.dump", &bytes, edited(&|value| value["format"] = 99.into()), "newer format 99"),
        ("rows.dump", &bytes, edited(&rows), "users has 6 rows of 7"),
        ("checksum.dump", &bytes, edited(&checksum), "tasks has 4 rows of 4, or other ones"),
        ("schema.dump", &bytes, edited(&schema), "the schema is another"),
    ];
    for (name, content, manifest, says) in cases {
        let path = files.path().join(name);
        fs::write(&path, content).unwrap();
        if let Some(manifest) = manifest {
            fs::write(files.path().join(format!("{name}.json")), manifest).unwrap();
        }
        run(operator(&db, &files, &["db", "restore", "--force", text(&path)]))
            .await
            .expect(2, &["nothing was changed", says]);
    }
    // A whole file that PostgreSQL cannot read: its own program says so.
    let garbage = files.path().join("garbage.dump");
    fs::write(&garbage, &foreign).unwrap();
    let digest = sha256(&foreign);
    let of_garbage = edited(&|value| {
        of_foreign(value);
        value["sha256"] = digest.clone().into();
    });
    fs::write(files.path().join("garbage.dump.json"), of_garbage.unwrap()).unwrap();
    let failed = run(operator(&db, &files, &["db", "restore", "--force", text(&garbage)])).await;
    failed.expect(3, &["pg_restore failed and nothing was changed"]);

    for (path, says) in [("guild.toml", "guild import"), (".", "a folder"), ("none.dump", "cannot read")] {
        let path = files.path().join(path);
        run(operator(&db, &files, &["db", "restore", "--force", text(&path)])).await.expect(2, &[says]);
    }
    assert_eq!(sums(&db.pool).await, before);
    let left = "select count(*) from pg_database where datname = current_database() || '_restoring'
        or datname = current_database() || '_before_restore'";
    assert_eq!(number(&db.pool, left).await, 0, "no half database is left");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// B2: whenever a restore is killed, the database holds what it held, or what was restored, and never a mixture; and
/// the next restore clears up.
#[tokio::test]
async fn a_killed_restore_loses_nothing() {
    let (db, files) = (world().await, folder());
    let saved = sums(&db.pool).await;
    let path = files.path().join("saved.dump");
    run(operator(&db, &files, &["db", "backup", text(&path)])).await.expect(0, &[]);
    sqlx::query("delete from guilds where name = 'Guild b'").execute(&db.pool).await.unwrap();
    let held = sums(&db.pool).await;
    db.pool.close().await;
    let (mut as_held, mut as_saved) = (0, 0);
    for pause in [1, 30, 60, 90, 120, 160, 200, 250, 300, 350, 400, 500] {
        let mut command = operator(&db, &files, &["db", "restore", "--force", text(&path)]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let found = lasting(sums_of_one(&db).await);
        if found == lasting(held.clone()) {
            as_held += 1;
        } else {
            assert_eq!(found, lasting(saved.clone()), "after {pause} ms");
            as_saved += 1;
        }
    }
    println!("killed 12 times: {as_held} times the old rows, {as_saved} times the restored ones, never anything else");
    // PostgreSQL's own program may still be filling the half database of the last one.
    let pool = PgPool::connect_with(db.connect_options().database("postgres")).await.unwrap();
    let fresh = format!("{}_restoring", db.name);
    let busy = "select count(*) from pg_stat_activity
        where datname = $1 or state = 'active' and pid <> pg_backend_pid() and query like '%database \"' || $1 || '\"%'";
    while sqlx::query_scalar::<_, i64>(busy).bind(&fresh).fetch_one(&pool).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    run(operator(&db, &files, &["db", "restore", "--force", text(&path)])).await.expect(0, &[]);
    assert_eq!(lasting(sums_of_one(&db).await), lasting(saved));
    let left = "select count(*) from pg_database where datname = $1";
    assert_eq!(sqlx::query_scalar::<_, i64>(left).bind(&fresh).fetch_one(&pool).await.unwrap(), 0);
}

/// What the database of that name holds. What a killed program had sent is still carried out by the server, and may
/// end this connection; the next one finds the other database.
async fn sums_of_one(db: &TestDb) -> Sums {
    for _ in 0..20 {
        if let Ok(mut on) = db.connect_options().connect().await
            && let Ok(found) = sums_on(&mut on).await
        {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the database of that name does not answer");
}

/// B1: one guild is saved as a guild file, which only the owner reads and which holds no other guild.
#[tokio::test]
async fn one_guild_is_saved_as_a_file() {
    let (db, files) = (world().await, folder());
    let saved = run(operator(&db, &files, &["--guild", "guild A", "--json", "db", "backup", text(files.path())])).await;
    let path = files.path().join("Guild a.toml");
    let told: Value = serde_json::from_str(&saved.expect(0, &[]).stdout).unwrap();
    assert_eq!(told["file"], text(&path));
    let content = fs::read_to_string(&path).unwrap();
    assert!(content.contains("Guild a") && !content.contains("Guild b"), "{content}");
    run(operator(&db, &files, &["--guild", "Guild a", "db", "backup", text(&path)]))
        .await
        .expect(2, &["is there already"]);
    run(operator(&db, &files, &["--guild", "Guild z", "db", "backup", text(&path)])).await.expect(2, &["Guild z"]);
    run(operator(&db, &files, &["guild", "import", text(&path)])).await.expect(0, &[]);
}
