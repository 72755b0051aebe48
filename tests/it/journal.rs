//! The journal that the database keeps by itself, and taking back what was done.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

mod hostile;
mod keeping;
mod reading;
mod undo;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::demo::{Demo, Rows, Run, run};

/// The guild's rows without the moments of change: what "as it was" means. A sign-in is no change either.
async fn rows(demo: &Demo) -> Rows {
    let mut rows = demo.guild_rows().await;
    for row in rows.values_mut() {
        let row = row.as_object_mut().unwrap();
        row.remove("updated_at");
        row.remove("last_login");
    }
    rows
}

/// Runs statements as the operator, who has no session.
async fn keeper(demo: &Demo, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&demo.db.pool).await.unwrap();
}

/// A connection that logged in as the program's role and nothing else, in a transaction with the member's token.
async fn client(demo: &Demo, member: &str) -> PgConnection {
    let mut connection = PgConnection::connect_with(&demo.db.connect_options()).await.unwrap();
    sqlx::query(
        "insert into user_sessions (guild_id, user_id, token_hash, expires_at)
        select guild_id, id, encode(sha256(convert_to($1, 'utf8')), 'hex'), now() + interval '1 hour'
        from users where name = $1 on conflict do nothing",
    )
    .bind(member)
    .execute(&mut connection)
    .await
    .unwrap();
    let sql = "set session authorization sphereconnect_app; begin";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    let token = sqlx::query("select set_config('sphereconnect.token', $1, true)").bind(member);
    token.execute(&mut connection).await.unwrap();
    connection
}

/// Runs a statement on a connection.
async fn sql(on: &mut PgConnection, text: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(on).await.map(drop)
}

/// Reads the journal with the program.
async fn journal(demo: &Demo, member: &str, options: &[&str]) -> Run {
    let mut command = demo.program();
    command.args(["--as", member, "journal"]).args(options);
    run(command).await
}

/// The lines of `--json`.
async fn lines(demo: &Demo, member: &str) -> Vec<Value> {
    let run = journal(demo, member, &["--json", "--limit", "1000"]).await;
    run.expect(0, &[]);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asserts outcome and reply of the last turn.
fn expect(run: &Run, outcome: &str, reply: &str) {
    let turns = run.turns();
    let turn = turns.last().unwrap_or_else(|| panic!("{run:?}"));
    assert_eq!((turn["outcome"].as_str(), turn["reply"].as_str()), (Some(outcome), Some(reply)), "{turn}");
}
