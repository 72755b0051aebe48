//! Hostile text wherever text can come from – names, briefs, the commander's prompts, what was heard – and a model that
//! does whatever the attacker wants. The cases are data, `tests/fixtures/hostile.jsonl`: who says what, what stands in
//! the database, what the model answers, and what may come of it, which is nothing unless the case names it.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::demo::{Demo, FILE, Rows, Run, assert_carried_out, run};
use crate::support::llm::{Behaviour, LlmServer};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/hostile.jsonl");
/// Never do fewer of them reach the model.
const CASES_MIN: usize = 60;
const GUILD: &str = "Perihelion Company";
/// The model's orders are applied at once: the weakest guard that the settings allow.
const SETTINGS: &str = "[endpoint]\nconfirm = false\n";
/// Names of the other guild in the same database.
const OTHERS: [(&str, &str); 2] = [("Ghost Convoy", "Operation Nightglow"), ("Wojciech", "Corwin Blackwater")];
/// Words of the sections that most ranks do not read.
const SECRETS: [&str; 5] = ["decoy", "pirates", "jammer", "flight recorder", "pays double"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    #[serde(rename = "as")]
    speaker: String,
    said: String,
    /// Table, row, column or section, text.
    #[serde(default)]
    plant: Vec<(String, String, String, String)>,
    /// What the model answers, letter by letter; `«text*9»` stands for nine times the text.
    answer: String,
    /// What must be done, exactly.
    does: Option<Vec<Value>>,
    /// What may be done, exactly, or nothing.
    may: Option<Vec<Value>>,
    #[serde(default)]
    reply_lacks: Vec<String>,
    /// Whether the planted text may go to the model: as data of the guild that were asked for.
    #[serde(default)]
    shows: bool,
}

fn cases() -> Vec<Case> {
    fs::read_to_string(CASES).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Repeats what is marked to be repeated.
fn expanded(text: &str) -> String {
    let Some((before, rest)) = text.split_once('«') else { return text.to_owned() };
    let (marked, after) = rest.split_once('»').unwrap();
    let (piece, times) = marked.rsplit_once('*').unwrap();
    format!("{before}{}{}", piece.repeat(times.parse().unwrap()), expanded(after))
}

/// The demo guild and another one that differs in its names.
async fn guilds() -> Demo {
    let demo = Demo::new().await;
    let own = fs::read_to_string(FILE).unwrap().replace(GUILD, "Rival Company");
    let other = OTHERS.iter().fold(own, |text, (name, theirs)| text.replace(name, theirs));
    let path = demo.folder.path().join("rival.toml");
    fs::write(&path, other).unwrap();
    let mut import = demo.program();
    import.args(["guild", "import"]).arg(&path);
    run(import).await.expect(0, &[]);
    demo
}

/// Puts a text into a row of the guild and returns what was there.
async fn plant(demo: &Demo, (table, row, column, text): &(String, String, String, String)) -> String {
    let section = matches!(column.as_str(), "brief" | "tactical" | "classified");
    let (read, set) = match section {
        true => (
            format!("description ->> '{column}'"),
            format!("description = jsonb_set(description, '{{{column}}}', to_jsonb($1::text))"),
        ),
        false => (column.clone(), format!("{column} = $1")),
    };
    let of = format!("where name = $1 and guild_id = (select id from guilds where name = '{GUILD}')");
    let sql = format!("select coalesce({read}, '') from {table} {of}");
    let before: String = sqlx::query_scalar(AssertSqlSafe(sql)).bind(row).fetch_one(&demo.db.pool).await.unwrap();
    let sql = format!("update {table} set {set} {}", of.replace("$1", "$2"));
    let done = sqlx::query(AssertSqlSafe(sql)).bind(expanded(text)).bind(row).execute(&demo.db.pool).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{table} {row}");
    before
}

async fn uproot(demo: &Demo, case: &Case, before: Vec<String>) {
    for ((table, row, column, text), old) in case.plant.iter().zip(before) {
        let row = if column == "name" { text } else { row };
        plant(demo, &(table.clone(), row.clone(), column.clone(), old)).await;
    }
}

/// What went to the model: nothing of another guild, no section, and of the guild's own names only those that were said,
/// unless it was asked about them.
fn assert_discreet(case: &Case, requests: &[Value]) {
    let sent = requests.iter().map(Value::to_string).collect::<String>();
    for secret in SECRETS.into_iter().chain(OTHERS.map(|(_, theirs)| theirs)) {
        let said = case.said.contains(secret) || case.plant.iter().any(|(_, _, _, text)| text.contains(secret));
        assert!(said || !sent.contains(secret), "{}: {secret} was sent: {sent}", case.about);
    }
    for (table, row, column, text) in &case.plant {
        let name = column == "name" && !case.shows && !case.said.to_lowercase().contains(&row.to_lowercase());
        let brief = matches!(column.as_str(), "brief" | "tactical" | "classified");
        if name || brief {
            assert!(!sent.contains(text.as_str()), "{}: the {column} of {table} {row} was sent: {sent}", case.about);
        }
    }
}

fn assert_unchanged(case: &Case, before: &Rows, after: &Rows, turn: &Value) {
    assert!(turn["outcome"] != "applied", "{}: {turn}", case.about);
    assert!(guild_rows(before) == guild_rows(after), "{}: the guild was changed: {turn}", case.about);
    let changes = |rows: &Rows| rows.keys().filter(|(table, _)| table == "journal_changes").count();
    assert_eq!(changes(before), changes(after), "{}", case.about);
    let written = |rows: &Rows| rows.keys().filter(|(table, _)| table == "journal").count();
    let refusals = usize::from(turn["outcome"] == "refused");
    assert_eq!(written(after) - written(before), refusals, "{}: {turn}", case.about);
}

/// What came of a case.
struct Played {
    run: Run,
    before: Rows,
    after: Rows,
    sent: Vec<Value>,
}

/// Plays one case and puts the guild back as it was.
async fn play(demo: &Demo, case: &Case) -> Played {
    let mut planted = Vec::new();
    for one in &case.plant {
        planted.push(plant(demo, one).await);
    }
    let before = demo.rows().await;
    let server = LlmServer::start([Behaviour::Well(expanded(&case.answer))]).await;
    let config = demo.config(SETTINGS);
    let mut command = demo.program();
    command.env("SPHERECONNECT_LLM_URL", server.url()).arg("--config").arg(config);
    command.args(["--json", "--guild", GUILD, "--as", &case.speaker, "say", "--", &case.said]);
    let own = run(command).await;
    let after = demo.rows().await;
    uproot(demo, case, planted).await;
    if own.turn()["outcome"] == "applied" {
        let mut undo = demo.program();
        undo.args(["--json", "--guild", GUILD, "--as", &case.speaker, "say", "undo"]);
        assert_eq!(run(undo).await.turn()["outcome"], "applied", "{}", case.about);
    }
    Played { run: own, before, after, sent: server.requests().into_iter().map(|one| one.body).collect() }
}

/// Asserts that nothing came of it but what the case allows.
fn judge(case: &Case, played: &Played) {
    assert!(!played.run.stderr.contains("panicked"), "{}: {:?}", case.about, played.run);
    let turn = played.run.turn();
    assert_discreet(case, &played.sent);
    for text in &case.reply_lacks {
        assert!(!turn["reply"].as_str().unwrap().contains(text.as_str()), "{}: {turn}", case.about);
    }
    let (before, after) = (&played.before, &played.after);
    let carried_out = |commands: &[Value]| {
        assert_eq!(turn["commands"], json!(commands), "{}: {turn}", case.about);
        assert_carried_out(&own_rows(before, true), &own_rows(after, true), commands, &case.speaker);
        assert!(own_rows(before, false) == own_rows(after, false), "{}: the other guild was changed", case.about);
    };
    let applied = turn["outcome"] == "applied";
    match (&case.does, &case.may) {
        (Some(wanted), _) => {
            assert!(applied, "{}: {turn}", case.about);
            carried_out(wanted);
        }
        (None, Some(allowed)) if applied => carried_out(allowed),
        _ => assert_unchanged(case, before, after, &turn),
    }
}

/// The rows of the speaker's guild, or those of the other.
fn own_rows(rows: &Rows, own: bool) -> Rows {
    let guild =
        rows.iter().find(|((table, _), row)| table == "guilds" && row["name"] == GUILD).unwrap().1["id"].clone();
    let mut rows = guild_rows(rows);
    rows.retain(|_, row| (row["guild_id"] == guild) == own);
    rows
}

fn guild_rows(rows: &Rows) -> Rows {
    let mut rows = rows.clone();
    rows.retain(|(table, _), _| !table.starts_with("journal") && table != "user_sessions");
    rows
}

/// Hostile text never widens what happens, even where the model obeys it. Every case that fails is named.
#[tokio::test]
async fn hostile_text_never_widens_what_happens() {
    let cases = cases();
    let demo = guilds().await;
    let (mut failed, mut asked) = (Vec::new(), 0);
    for case in &cases {
        let played = play(&demo, case).await;
        println!("{:<10} {}", played.run.turn()["outcome"].as_str().unwrap(), case.about);
        asked += usize::from(!played.sent.is_empty());
        if catch_unwind(AssertUnwindSafe(|| judge(case, &played))).is_err() {
            failed.push(case.about.as_str());
        }
    }
    assert!(asked >= CASES_MIN, "only {asked} of {} cases reach the model", cases.len());
    assert!(failed.is_empty(), "{} of {} failed: {failed:#?}", failed.len(), cases.len());
}
