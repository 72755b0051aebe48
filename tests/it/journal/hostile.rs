//! A member with a client of their own cannot change the guild without the journal, nor sign for anybody else.

use serde_json::{Value, json};

use super::{client, keeper, lines, rows, sql};
use crate::support::demo::{ARCHON, Demo};

/// I-35: raw SQL in a session is written down and shown to those who manage the guild; the operator's own is not.
#[tokio::test]
async fn raw_sql_stands_in_the_journal() {
    let demo = Demo::new().await;
    keeper(&demo, "update tasks set priority = 'high' where name = 'Jam the Relay'").await;
    assert_eq!(lines(&demo, ARCHON).await, Vec::<Value>::new(), "the operator signs nothing");
    let mut on = client(&demo, "Veshkar").await;
    sql(
        &mut on,
        "update tasks set priority = 'low' where name = 'Jam the Relay';
        update tasks set priority = 'critical' where name = 'Jam the Relay';
        insert into squads (guild_id, name) select current_guild(), 'Brass Bell';
        insert into squads (guild_id, name) select current_guild(), 'Gone Again';
        select squad_disband(id) from squads where name = 'Gone Again';
        savepoint s; update tasks set priority = 'low' where name = 'Scan the Belt'; rollback to s; commit",
    )
    .await
    .unwrap();
    for reader in [ARCHON, "Veshkar"] {
        let lines = lines(&demo, reader).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(
            (&line["member"], &line["source"], &line["outcome"], &line["id"]),
            (&json!("Veshkar"), &json!("sql"), &json!("applied"), &Value::Null)
        );
        let changes = line["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert_eq!(
            (&changes[0]["name"], &changes[0]["before"], &changes[0]["after"]),
            (&json!("Jam the Relay"), &json!({"priority": "high"}), &json!({"priority": "critical"}))
        );
        assert_eq!((&changes[1]["name"], &changes[1]["before"]), (&json!("Brass Bell"), &Value::Null));
    }
    assert!(lines(&demo, "Tzipora").await.is_empty(), "others' changes are not hers to read");
    // A turn that claims to have been refused does not hide what was changed with it.
    let mut on = client(&demo, "Veshkar").await;
    sql(
        &mut on,
        "update tasks set priority = 'low' where name = 'Jam the Relay';
        select journal_write(gen_random_uuid(), 'typed', 'w', false, 'local', '[]', 'refused', 'r'); commit",
    )
    .await
    .unwrap();
    let sources: Vec<_> = lines(&demo, ARCHON).await.iter().map(|one| one["source"].clone()).collect();
    assert_eq!(sources.iter().filter(|one| **one == "sql").count(), 2, "{sources:?}");
}

/// SE2: a client that drops or swaps its token while it changes a row changes nothing.
#[tokio::test]
async fn a_change_without_its_session_is_refused() {
    let demo = Demo::new().await;
    keeper(
        &demo,
        "insert into guilds (name) values ('Elsewhere');
        insert into users (guild_id, name) select id, 'Stranger' from guilds where name = 'Elsewhere'",
    )
    .await;
    drop(client(&demo, "Stranger").await);
    let before = rows(&demo).await;
    for token in ["", "unknown", "Stranger"] {
        let mut on = client(&demo, "Veshkar").await;
        let change = format!(
            "update tasks set priority = 'low' where name = 'Jam the Relay'
            returning set_config('sphereconnect.token', '{token}', true)"
        );
        let refused = sql(&mut on, &change).await.unwrap_err().into_database_error().unwrap();
        assert_eq!(refused.code().as_deref(), Some("42501"), "{token}: {refused}");
        assert!(refused.message().contains("signed by the session"), "{refused}");
        sql(&mut on, "rollback").await.unwrap();
    }
    assert_eq!(rows(&demo).await, before);
    assert_eq!(demo.number("select count(*) from journal_changes").await, 0);
}

/// I-35: a turn is signed by the session's member with the standing they have, whatever the client says.
#[tokio::test]
async fn nobody_signs_falsely() {
    let demo = Demo::new().await;
    for member in [ARCHON, "Veshkar", "Thandiwe", "Tzipora", "Static"] {
        let mut on = client(&demo, member).await;
        let write = "select journal_write(gen_random_uuid(), 's', 'w', false, 'local', '[]', 'applied', 'r')";
        sql(&mut on, write).await.unwrap();
        let said: Value = sqlx::query_scalar(
            "select to_jsonb(s) from (select current_member() as member_id, current_guild() as guild_id,
                current_actions() as rights, current_rank_level() as rank_level, current_clearance() as clearance) s",
        )
        .fetch_one(&mut on)
        .await
        .unwrap();
        sql(&mut on, "commit").await.unwrap();
        let signed = demo.journal().await.pop().unwrap();
        assert_eq!(signed["member_name"], member);
        for (key, value) in said.as_object().unwrap() {
            assert_eq!(&signed[key], value, "{member}: {key}");
        }
    }
    // Without a session nothing is written, found, read or taken back.
    for call in [
        "select journal_write(gen_random_uuid(), 's', 'w', false, 'local', '[]', 'applied', 'r')",
        "select undo_last()",
    ] {
        let mut on = client(&demo, "Tzipora").await;
        sql(&mut on, "select set_config('sphereconnect.token', 'unknown', true)").await.unwrap();
        let refused = sql(&mut on, call).await.unwrap_err().into_database_error().unwrap();
        assert_eq!(refused.code().as_deref(), Some("28000"), "{call}: {refused}");
    }
    let mut on = client(&demo, "Tzipora").await;
    sql(&mut on, "select set_config('sphereconnect.token', 'unknown', true)").await.unwrap();
    for call in ["journal_read(null, null, 10)", "changes_now()", "journal_find(gen_random_uuid())"] {
        let count = format!("select count(*) from {call}");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&mut on).await.unwrap();
        assert_eq!(found, 0, "{call}");
    }
}

/// US6, US8, I-17: images hold no secrets, and the hash of heard words is not the words' alone.
#[tokio::test]
async fn no_secret_gets_into_an_image() {
    let demo = Demo::new().await;
    keeper(
        &demo,
        "update users set password = 'made-up-password', pin = 'made-up-pin', totp_secret = 'MADEUPTOTP',
            failed_attempts = 0 where name = 'Static'",
    )
    .await;
    demo.say(ARCHON, &["Set the availability of Static to busy", "undo", "Promote Static to Starhand"]).await;
    let images: Vec<Value> =
        sqlx::query_scalar("select after from journal_changes").fetch_all(&demo.db.pool).await.unwrap();
    assert_eq!(images.len(), 3);
    let keys = ["availability", "created_at", "guild_id", "id", "name", "phonetic", "preferences", "rank", "squad_id"];
    for image in images {
        let mut found: Vec<&str> = image.as_object().unwrap().keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, keys, "{image}");
    }
    assert_eq!(demo.number("select count(*) from users where password = 'made-up-password'").await, 1);

    // The same words have the same hash within a guild, and another in another guild.
    let hash = async |on: &str, words: &str| -> String {
        let sql = "select journal_hash((select guild_id from users where name = $1), $2)";
        sqlx::query_scalar(sql).bind(on).bind(words).fetch_one(&demo.db.pool).await.unwrap()
    };
    keeper(
        &demo,
        "insert into guilds (name) values ('Elsewhere');
        insert into users (guild_id, name) select id, 'Stranger' from guilds where name = 'Elsewhere'",
    )
    .await;
    assert_eq!(hash(ARCHON, "Undo!").await, hash(ARCHON, " undo").await);
    assert_ne!(hash(ARCHON, "undo").await, hash(ARCHON, "undo that").await);
    assert_ne!(hash(ARCHON, "undo").await, hash("Stranger", "undo").await);
    assert_eq!(demo.journal().await[1]["heard_hash"], hash(ARCHON, "undo").await);
}
