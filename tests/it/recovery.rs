//! The recovery drill: what was written can be brought back to any moment, and a recovery that fails or is killed
//! changes nothing. Run it with `--nocapture` to read its log.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sphereconnect::store::embedded::{DATABASE, Embedded, EmbeddedOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use crate::support::demo::{ARCHON, FILE, Run, run, run_now};
use crate::support::{Folder, database, folder, program};

/// The guild of the demo file, and another one like it.
const GUILDS: [&str; 2] = ["Perihelion Company", "Aphelion Company"];
/// The longest a test waits for the archiver.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often a recovery is killed, each time a little later.
const KILLS: u32 = 8;

/// A data folder with both guilds and an archive.
struct Drill {
    folder: Folder,
    began: Instant,
}

impl Drill {
    fn new() -> Self {
        let drill = Self { folder: folder(), began: Instant::now() };
        let other = drill.data().join("other.toml");
        fs::write(&other, fs::read_to_string(FILE).unwrap().replace(GUILDS[0], GUILDS[1])).unwrap();
        drill.cli(&["guild", "import", FILE]).expect(0, &[]);
        drill.cli(&["guild", "import", other.to_str().unwrap()]).expect(0, &[]);
        drill.cli(&["db", "archive"]).expect(1, &[]);
        drill.cli(&["db", "archive", "on"]).expect(0, &[]);
        drill.cli(&["db", "archive"]).expect(0, &[]);
        drill
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    fn tell(&self, text: &str) {
        for line in text.lines() {
            println!("{:6.2} s  {line}", self.began.elapsed().as_secs_f64());
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.data());
        command.args(arguments);
        command
    }

    fn cli(&self, arguments: &[&str]) -> Run {
        self.tell(&format!("$ sphereconnect {}", arguments.join(" ")));
        let run = run_now(self.command(arguments));
        self.tell(&run.stdout);
        self.tell(&run.stderr);
        run
    }

    /// Does something as the keeper, with a server of the test's own that ends with it.
    fn sql<T>(&self, work: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
        let embedded = self.open();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = embedded.connect_options(DATABASE).connect().await.unwrap();
            let done = work(&mut connection).await;
            connection.close().await.unwrap();
            done
        })
    }

    fn open(&self) -> Embedded {
        let options = EmbeddedOptions { fsync: false, ..EmbeddedOptions::new(self.data()) };
        Embedded::open(&options, &|_| {}).unwrap()
    }

    fn execute(&self, statements: &str) {
        self.tell(&format!("keeper> {statements}"));
        self.sql(async |on| {
            sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(on).await.unwrap();
        });
    }

    /// The database's own clock, between everything that was committed before and after.
    fn moment(&self) -> String {
        let text = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
        let moment: String = self.sql(async |on| sqlx::query_scalar(text).fetch_one(on).await.unwrap());
        self.tell(&format!("the moment is {moment}"));
        moment
    }

    /// A checksum of everything each guild has, by guild and table; tables without a row of it are left out.
    fn checksums(&self) -> BTreeMap<(String, String), String> {
        self.sql(async |on| {
            let tables: Vec<String> = sqlx::query_scalar(
                "select table_name::text from information_schema.columns
                where table_schema = 'public' and column_name = 'guild_id' order by 1",
            )
            .fetch_all(&mut *on)
            .await
            .unwrap();
            let one = |table: &String| {
                format!(
                    "select g.name, '{table}', md5(string_agg(t::text, ';' order by t::text))
                    from guilds g join {table} t on t.guild_id = g.id group by 1"
                )
            };
            let all = tables.iter().map(one).collect::<Vec<_>>().join(" union all ");
            let rows: Vec<(String, String, String)> = sqlx::query_as(AssertSqlSafe(all)).fetch_all(on).await.unwrap();
            rows.into_iter().map(|(guild, table, sum)| ((guild, table), sum)).collect()
        })
    }

    /// The pieces of log in the archive, oldest first, with the number of bytes each has.
    fn pieces(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.data().join("archive/wal")).unwrap().flatten();
        let mut pieces: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        pieces.sort();
        pieces
    }
}

/// B3, B4, I-13: a guild is dropped and comes back as it was at the moment before, the other guild as it was then too;
/// then archiving goes on, and a second recovery works from what came after the first.
#[test]
fn a_dropped_guild_is_back_as_it_was_the_moment_before() {
    let drill = Drill::new();
    drill.execute("update objectives set priority = 'high' where name = 'Ghost Convoy'");
    drill.cli(&["--guild", GUILDS[1], "--as", ARCHON, "say", "create objective paint the hangar"]).expect(0, &[]);
    let (before, moment) = (drill.checksums(), drill.moment());
    assert!(GUILDS.iter().all(|guild| before.keys().filter(|(name, _)| name == guild).count() > 8), "{before:#?}");

    drill.execute("delete from guilds where name = 'Aphelion Company'");
    drill.execute("update tasks set status = 'completed'");
    drill.cli(&["--guild", GUILDS[0], "--as", ARCHON, "say", "create objective count the stars"]).expect(0, &[]);
    drill.cli(&["guild", "list"]);
    let after = drill.checksums();
    assert!(after.keys().all(|(guild, _)| guild == GUILDS[0]));

    // While somebody plays nothing is touched.
    let playing = drill.open();
    drill.cli(&["db", "recover", "--to", &moment]).expect(3, &["another program uses the database"]);
    playing.close();

    drill.cli(&["--dry-run", "db", "recover", "--to", &moment]).expect(0, &[]);
    assert_eq!(drill.checksums(), after, "a dry run changes nothing");
    let recovered = drill.cli(&["db", "recover", "--to", &moment]);
    recovered.expect(0, &[]);
    for guild in GUILDS {
        assert!(recovered.stdout.contains(&format!("  {guild}: 25 members")), "{recovered:?}");
    }
    assert_eq!(drill.checksums(), before, "both guilds as they were");

    // The former cluster is whole: swapped back by hand it holds what was undone.
    let is_former = |name: &str| name.starts_with("pg.before-");
    let names = fs::read_dir(drill.data()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let former: Vec<String> = names.filter(|name| is_former(name)).collect();
    assert_eq!(former.len(), 1);

    // The new line of time is archived, and can be gone back in as well.
    drill.cli(&["--guild", GUILDS[1], "--as", ARCHON, "say", "create objective sweep the deck"]).expect(0, &[]);
    let (second, second_moment) = (drill.checksums(), drill.moment());
    drill.execute("delete from guilds");
    drill.cli(&["db", "recover", "--to", &second_moment]).expect(0, &[]);
    assert_eq!(drill.checksums(), second);
    drill.execute("delete from guilds");
    drill.cli(&["db", "recover", "--to", &moment]).expect(0, &[]);
    assert_eq!(drill.checksums(), before, "a moment before the first recovery, too");
    drill.cli(&["db", "archive"]).expect(0, &[]);
    drill.cli(&["db", "archive", "base", "--keep", "1"]).expect(0, &[]);
    drill.cli(&["db", "recover", "--to", &moment]).expect(2, &["before the first base backup"]);
    drill.cli(&["db", "recover", "--to", "2999-01-01 00:00"]).expect(2, &["has not come yet"]);
}

/// B4: a hole in the archive, or nothing to take back, is said, and nothing is changed.
#[test]
fn a_gap_in_the_archive_stops_a_recovery_before_anything_is_changed() {
    let drill = Drill::new();
    for number in 0..3 {
        drill.execute(&format!("update squads set phonetic = '{number}'; select pg_switch_wal()"));
    }
    let moment = drill.moment();
    drill.execute("delete from guilds where name = 'Aphelion Company'");
    let (after, moment_after) = (drill.checksums(), drill.moment());
    drill.cli(&["db", "recover", "--to", &moment_after]).expect(1, &["nothing was changed after"]);

    let pieces = drill.pieces();
    let lost = &pieces[pieces.len() - 3];
    let name = lost.file_stem().unwrap().to_str().unwrap().to_owned();
    let (aside, own) = (drill.data().join("aside"), drill.data().join("pg/pg_wal").join(&name));
    fs::rename(lost, &aside).unwrap();
    drop(fs::remove_file(own));
    drill.cli(&["--dry-run", "db", "recover", "--to", &moment]).expect(1, &[]);
    drill.cli(&["db", "recover", "--to", &moment]).expect(3, &["the archive has a gap", &name]);
    assert_eq!(drill.checksums(), after, "nothing was changed");
    assert!(!drill.data().join("pg.recover.tmp").exists() && !drill.data().join("pg.recovered").exists());

    fs::rename(&aside, lost).unwrap();
    drill.cli(&["db", "recover", "--to", &moment]).expect(0, &[]);
    assert!(drill.checksums().keys().any(|(guild, _)| guild == GUILDS[1]));
}

/// A recovery is killed again and again, each time a little later; after each kill the database opens and is either
/// wholly as before or wholly recovered. What was not archived, because the server was killed, is brought back too.
#[test]
fn a_killed_recovery_leaves_one_whole_database() {
    let drill = Drill::new();
    // The server is killed right after the commit: the last piece is in its own folder only.
    let embedded = drill.open();
    drill.execute("update squads set phonetic = 'last'");
    let (before, moment) = (drill.checksums(), drill.moment());
    drill.execute("delete from guilds where name = 'Aphelion Company'");
    let killed = Command::new("kill").args(["-9", &embedded.pid().unwrap().to_string()]).status().unwrap();
    assert!(killed.success());
    drop(embedded);

    let after = drill.checksums();
    let began = Instant::now();
    drill.cli(&["--dry-run", "db", "recover", "--to", &moment]).expect(0, &[]);
    let mut step = began.elapsed() * 3;
    for kill in 0..KILLS {
        let mut command = drill.command(&["db", "recover", "--to", &moment]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(step * kill);
        if child.try_wait().unwrap().is_some_and(|status| status.success()) {
            // It was too quick: the kills come closer together from now on.
            step /= 2;
        }
        drop(child.kill());
        child.wait().unwrap();
        let now = drill.checksums();
        let whole = if now == before { "recovered" } else { "as before" };
        drill.tell(&format!("killed after {:?}: {whole}", step * kill));
        assert!(now == before || now == after, "killed after {:?}: neither of the two", step * kill);
        if now == before {
            drill.execute("delete from guilds where name = 'Aphelion Company'");
        }
    }
    drill.cli(&["db", "recover", "--to", &moment]).expect(0, &[]);
    assert_eq!(drill.checksums(), before);

    // Killed between the two renames: the next start takes the recovered cluster, and no empty one is made.
    fs::rename(drill.data().join("pg"), drill.data().join("pg.recovered")).unwrap();
    assert_eq!(drill.checksums(), before);
    assert!(!drill.data().join("pg.recovered").exists());
}

/// B3, I-33: a piece in the archive is never overwritten; the same piece again counts as done; a failure is seen.
#[test]
fn the_archive_is_never_overwritten() {
    let drill = Drill::new();
    let embedded = drill.open();
    let command: String = drill.sql(async |on| sqlx::query_scalar("show archive_command").fetch_one(on).await.unwrap());
    let next = "select pg_walfile_name(pg_current_wal_lsn())";
    let next: String = drill.sql(async |on| sqlx::query_scalar(next).fetch_one(on).await.unwrap());
    let piece = drill.data().join(format!("archive/wal/{next}.gz"));
    fs::write(&piece, "somebody else's").unwrap();
    let count =
        |sql: &'static str| -> i64 { drill.sql(async |on| sqlx::query_scalar(sql).fetch_one(on).await.unwrap()) };
    drill.execute("update squads set phonetic = 'x'; select pg_switch_wal()");
    wait("the archiver fails", || count("select failed_count from pg_stat_archiver") > 0);
    assert_eq!(fs::read_to_string(&piece).unwrap(), "somebody else's");
    let status = drill.cli(&["db", "archive"]);
    status.expect(1, &[]);
    assert!(status.stdout.contains(&format!("failing: {next}")), "{status:?}");
    fs::remove_file(&piece).unwrap();
    wait("the archiver goes on", || fs::metadata(&piece).is_ok_and(|found| found.len() > 1000));

    let packed = fs::read(&piece).unwrap();
    let plain = drill.data().join("plain");
    let unpacked = Command::new("gzip").arg("-dc").arg(&piece).output().unwrap().stdout;
    assert_eq!(unpacked.len(), 16 << 20);
    let again = |content: &[u8]| {
        fs::write(&plain, content).unwrap();
        let line = command.replace("%p", plain.to_str().unwrap()).replace("%f", &next);
        let status = Command::new("/bin/sh").args(["-c", &line]).stderr(Stdio::null()).status().unwrap();
        assert_eq!(fs::read(&piece).unwrap(), packed, "it is as it was");
        status.success()
    };
    assert!(again(&unpacked), "the same content is no error");
    assert!(!again(&unpacked[1..]), "other content is");
    embedded.close();

    drill.cli(&["db", "archive", "off"]).expect(0, &[]);
    drill.cli(&["db", "archive", "base"]).expect(2, &["archiving is off"]);
    let mode: String = drill.sql(async |on| sqlx::query_scalar("show archive_mode").fetch_one(on).await.unwrap());
    assert_eq!(mode, "off");
    drill.cli(&["db", "recover", "--to", "1s"]).expect(2, &["archiving is off"]);

    // A folder of another database is refused, whose pieces have the same names.
    let other = folder();
    let mut on = program(other.path());
    on.args(["db", "archive", "on"]).arg(drill.data().join("archive"));
    run_now(on).expect(2, &["archive of another database"]);
    let mut on = program(other.path());
    on.args(["db", "archive", "on"]).arg(other.path().join("it's"));
    run_now(on).expect(2, &["cannot be the archive's folder"]);
}

/// B3: on a server the program says what its operator has to set, and changes nothing.
#[tokio::test]
async fn a_servers_operator_is_told_what_to_set() {
    let (db, folder) = (database().await, folder());
    let check = async |arguments: &[&str], code: i32, says: &[&str]| {
        let mut command = program(folder.path());
        command.env("SPHERECONNECT_DATABASE_URL", db.url()).args(arguments);
        let run = run(command).await;
        for part in says {
            assert!(format!("{}{}", run.stdout, run.stderr).contains(part), "{part}: {run:?}");
        }
        run.expect(code, &[]);
    };
    check(&["db", "archive"], 1, &["archive_mode = off", "    archive_mode = on", "    archive_command = 'test ! -f"])
        .await;
    check(&["db", "archive", "on"], 1, &["cannot change", "    archive_mode = on"]).await;
    check(&["--json", "db", "archive"], 1, &["\"archiving\":false", "\"wal_level\":\"replica\""]).await;
    check(&["db", "archive", "base"], 2, &["pg_basebackup"]).await;
    check(&["db", "recover", "--to", "10m"], 2, &["restores a base backup there"]).await;
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < WAIT_MAX, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
