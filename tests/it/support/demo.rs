//! The demo guild in a database of its own, the program acting in it, and what can be seen there afterwards.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::{Folder, PASSWORD, TestDb, database, folder, give_passwords, program};

/// The demo's guild file.
pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo/guild.toml");
/// The most senior member.
pub const ARCHON: &str = "Isolde Marchetti";
/// The longest a program of a test may run.
const PROGRAM_MAX: Duration = Duration::from_secs(120);
/// How often it is asked whether it has ended.
const POLL: Duration = Duration::from_millis(3);

/// Every row of a database by table and key. What a turn changes is seen by comparing two of them.
pub type Rows = BTreeMap<(String, String), Value>;

/// The demo guild, imported into a fresh database.
pub struct Demo {
    /// The database.
    pub db: TestDb,
    /// The folder of the program's own files; empty unless a test puts something there.
    pub folder: Folder,
}

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Run {
    /// The exit code; a signal is a failed test.
    pub code: i32,
    /// Standard output, as it was.
    pub stdout: String,
    /// Standard error, as it was.
    pub stderr: String,
}

impl Run {
    /// The turns of `--json`: every line must be one.
    pub fn turns(&self) -> Vec<Value> {
        let turn = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}\n{self:?}"));
        self.stdout.lines().map(turn).collect()
    }

    /// The only turn.
    pub fn turn(&self) -> Value {
        let mut turns = self.turns();
        assert_eq!(turns.len(), 1, "{self:?}");
        turns.remove(0)
    }

    /// Asserts the exit code and that standard error holds each of the texts, and no panic.
    pub fn expect(&self, code: i32, says: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        for part in says {
            assert!(self.stderr.contains(part), "no {part:?} in {self:?}");
        }
        self
    }
}

impl Demo {
    /// A fresh database with nothing but the demo guild.
    pub async fn new() -> Self {
        let demo = Self { db: database().await, folder: folder() };
        let mut import = demo.program();
        import.args(["guild", "import", FILE]);
        run(import).await.expect(0, &[]);
        give_passwords(&demo.db.pool).await;
        demo
    }

    /// The program with this database, and the password that every member has.
    pub fn program(&self) -> Command {
        let mut command = program(self.folder.path());
        command.env("SPHERECONNECT_DATABASE_URL", self.db.url()).env("SPHERECONNECT_PASSWORD", PASSWORD);
        command
    }

    /// Lets a member type orders.
    pub async fn say(&self, member: &str, texts: &[&str]) -> Run {
        self.say_with(member, &[], texts).await
    }

    /// The same with further options.
    pub async fn say_with(&self, member: &str, options: &[&str], texts: &[&str]) -> Run {
        let mut command = self.program();
        command.args(["--json", "--as", member]).args(options).arg("say").arg("--").args(texts);
        run(command).await
    }

    /// Writes a settings file and returns its path.
    pub fn config(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("settings.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// Everything in the database but the journal and who is or was signed in.
    pub async fn guild_rows(&self) -> Rows {
        let mut rows = self.rows().await;
        rows.retain(|(table, _), _| !table.starts_with("journal") && table != "user_sessions");
        rows
    }

    /// Everything in the database but what every sign-in leaves behind: its moment, and tries that failed.
    pub async fn rows(&self) -> Rows {
        let tables: Vec<String> =
            sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public' order by 1")
                .fetch_all(&self.db.pool)
                .await
                .unwrap();
        let one = |table: &String| format!("select '{table}' as t, to_jsonb(x) as r from {table} x");
        let all = tables.iter().map(one).collect::<Vec<_>>().join(" union all ");
        let rows: Vec<(String, Value)> = sqlx::query_as(AssertSqlSafe(all)).fetch_all(&self.db.pool).await.unwrap();
        let rows = rows.into_iter().filter(|(table, _)| !table.starts_with("sign_in_")).map(|(table, mut row)| {
            row.as_object_mut().unwrap().remove("last_login");
            ((table, key(&row)), row)
        });
        rows.collect()
    }

    /// One number of the database.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap()
    }

    /// The journal, oldest first.
    pub async fn journal(&self) -> Vec<Value> {
        sqlx::query_scalar("select to_jsonb(j) from journal j order by created_at, id")
            .fetch_all(&self.db.pool)
            .await
            .unwrap()
    }

    /// What the database wrote down of a turn of the journal, in its order.
    pub async fn changes(&self, turn: &Value) -> Vec<Value> {
        sqlx::query_scalar(
            "select to_jsonb(c) from journal_changes c join journal j on j.guild_id = c.guild_id
                and j.created_at = c.created_at and j.made_in = c.made_in
            where j.id = $1::text::uuid order by c.id",
        )
        .bind(text(turn, "id"))
        .fetch_all(&self.db.pool)
        .await
        .unwrap()
    }
}

/// Runs a program to its end without holding up the test's own servers.
pub async fn run(command: Command) -> Run {
    tokio::task::spawn_blocking(move || run_now(command)).await.unwrap()
}

/// The same for tests without a runtime. Output goes through files, so that no pipe can fill up.
pub fn run_now(mut command: Command) -> Run {
    let folder = folder();
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if began.elapsed() > PROGRAM_MAX => {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{command:?} runs for ever: {}", fs::read_to_string(&err).unwrap());
            }
            None => std::thread::sleep(POLL),
        }
    };
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let code = status.code().unwrap_or_else(|| panic!("{command:?} was killed: {status}\n{}", text(&err)));
    Run { code, stdout: text(&out), stderr: text(&err) }
}

/// The rows that differ, as `table name`. A row of the junction is named by its objective.
pub fn changed(before: &Rows, after: &Rows) -> BTreeSet<String> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let row = after.get(key).or_else(|| before.get(key)).unwrap();
            format!("{} {}", key.0, row.get("name").and_then(Value::as_str).unwrap_or_default()).trim_end().to_owned()
        })
        .collect()
}

/// Asserts that the database holds what the commands of an applied turn say, and that nothing else was changed.
pub fn assert_carried_out(before: &Rows, after: &Rows, commands: &[Value], speaker: &str) {
    let mut expected = BTreeSet::new();
    for command in commands {
        let action = text(command, "action");
        if action.starts_with("ask.") {
            continue;
        }
        for one in carried_out(before, after, command, action, speaker) {
            expected.insert(one);
        }
    }
    let mut found = changed(before, after);
    if commands.iter().any(|one| matches!(text(one, "action"), "objective.add_category" | "objective.create")) {
        found.remove("objective_categories_junction");
    }
    if commands.iter().any(|one| text(one, "action") == "squad.disband") {
        // Whoever was in it or worked for it is changed too.
        found.retain(|one| one.starts_with("squads "));
    }
    // What was so before needs no change.
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(extra.is_empty(), "{commands:?} changed {extra:?} too");
}

/// Checks one command; returns the rows it may change.
fn carried_out(before: &Rows, after: &Rows, command: &Value, action: &str, speaker: &str) -> Vec<String> {
    let said = |field: &str| command.get(field).and_then(Value::as_str);
    let id = |table: &str, field: &str| said(field).map(|name| row(after, table, name)["id"].clone());
    let holds = |table: &str, name: &str, column: &str, wanted: Value| {
        let found = &row(after, table, name)[column];
        assert!(same(found, &wanted), "{command}: {column} of {name} is {found}, not {wanted}");
        vec![format!("{table} {name}")]
    };
    let (kind, verb) = action.split_once('.').unwrap();
    let table = match kind {
        "objective" => "objectives",
        "task" => "tasks",
        "member" => "users",
        "squad" => "squads",
        other => panic!("no rows of {other} are known: {command}"),
    };
    let subject = if verb == "create" { text(command, "name") } else { said(kind).unwrap_or(speaker) };
    match verb {
        "create" => {
            assert!(find(before, table, subject).is_none(), "{command}: {subject} was there before");
            let made = row(after, table, subject);
            if let Some(priority) = said("priority") {
                assert_eq!(made["priority"], priority, "{command}");
            }
            if let Some(brief) = said("brief") {
                assert_eq!(made["description"]["brief"], brief, "{command}");
            }
            if let Some(objective) = id("objectives", "objective") {
                assert_eq!(made["objective_id"], objective, "{command}");
            }
            if let Some(category) = id("objective_categories", "category") {
                assert!(made["categories"].as_array().unwrap().contains(&category), "{command}");
            }
            if let Some(lead) = id("users", "lead") {
                assert_eq!(made["squad_lead"], lead, "{command}");
            }
            vec![format!("{table} {subject}")]
        }
        "describe" => {
            let found = &row(after, table, subject)["description"][text(command, "section")];
            assert_eq!(found, &command["text"], "{command}");
            vec![format!("{table} {subject}")]
        }
        "set_priority" => holds(table, subject, "priority", command["priority"].clone()),
        "set_status" => holds(table, subject, "status", command["status"].clone()),
        "set_progress" => holds(table, subject, "progress", command["percent"].clone()),
        "add_category" => {
            let category = id("objective_categories", "category").unwrap();
            assert!(row(after, table, subject)["categories"].as_array().unwrap().contains(&category), "{command}");
            vec![format!("{table} {subject}")]
        }
        "set_lead" if kind == "squad" => holds(table, subject, "squad_lead", id("users", "member").unwrap()),
        "set_lead" => holds(table, subject, "lead_id", id("users", "member").unwrap()),
        "set_squad" => holds(table, subject, "squad_id", id("squads", "squad").unwrap_or(Value::Null)),
        "report" => {
            let metric = text(command, "metric");
            let of = |rows| row(rows, table, subject)["description"]["metrics"][metric].as_f64().unwrap_or(0.0);
            let added = of(after) - of(before);
            assert!((added - command["amount"].as_f64().unwrap()).abs() < 1e-6, "{command}: {added} was added");
            vec![format!("{table} {subject}")]
        }
        "assign" => match (id("users", "member"), id("squads", "squad")) {
            (Some(member), None) => holds(table, subject, "lead_id", member),
            (None, Some(squad)) => holds(table, subject, "squad_id", squad),
            _ => panic!("{command} names neither or both"),
        },
        "claim" => holds(table, subject, "lead_id", row(after, "users", speaker)["id"].clone()),
        "release" => holds(table, subject, "lead_id", Value::Null),
        "schedule" => {
            let schedule = &row(after, table, subject)["schedule"];
            for field in ["start", "end"] {
                if let Some(wanted) = said(field) {
                    // The database keeps whole seconds.
                    let whole = |time: &str| chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp();
                    assert_eq!(whole(schedule[field].as_str().unwrap()), whole(wanted), "{command}: {schedule}");
                }
            }
            vec![format!("{table} {subject}")]
        }
        "set_availability" => holds(table, subject, "availability", command["availability"].clone()),
        "set_rank" => holds(table, subject, "rank", id("ranks", "rank").unwrap()),
        "disband" => {
            assert!(find(after, table, subject).is_none(), "{command}: {subject} is still there");
            vec![format!("{table} {subject}")]
        }
        other => panic!("no check for {other}: {command}"),
    }
}

/// The row of this name.
pub fn row<'r>(rows: &'r Rows, table: &str, name: &str) -> &'r Value {
    find(rows, table, name).unwrap_or_else(|| panic!("{table} hold no {name:?}"))
}

/// The row of this name, if there is one.
pub fn find<'r>(rows: &'r Rows, table: &str, name: &str) -> Option<&'r Value> {
    rows.iter().find(|((own, _), row)| own == table && row["name"] == name).map(|(_, row)| row)
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < 1e-3,
        _ => one == other,
    }
}

fn key(row: &Value) -> String {
    let part = |field: &str| row.get(field).map(ToString::to_string).unwrap_or_default();
    ["id", "objective_id", "category_id", "version"].map(part).join(" ")
}
