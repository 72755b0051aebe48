//! How long the journal is kept, and how it came over from the release before.

use serde_json::Value;
use sqlx::PgPool;
use sqlx::migrate::Migrator;

use super::keeper;
use crate::support;
use crate::support::demo::{ARCHON, Demo};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// The last migration before the one that moves the images.
const BEFORE: i64 = 20_261_122_000_006;

/// Old turns and changes go by their guild's own term, in bounded steps; a guild without a term keeps them.
#[tokio::test]
async fn old_turns_go_by_the_guilds_term() {
    let demo = Demo::new().await;
    demo.say(
        ARCHON,
        &["Mark jam the relay as completed and assign spoof the transponders to Bjornulf", "undo", "I'm busy"],
    )
    .await
    .expect(0, &[]);
    // The column belongs to the guild's limits.
    keeper(&demo, "alter table guilds add column if not exists journal_days integer default 365").await;
    let age = "update journal_changes set created_at = created_at - interval '30 days';
        update journal set created_at = created_at - interval '30 days'";
    keeper(&demo, age).await;
    demo.say(ARCHON, &["I'm online"]).await.expect(0, &[]);
    let count = async || {
        (demo.number("select count(*) from journal").await, demo.number("select count(*) from journal_changes").await)
    };
    assert_eq!(count().await, (4, 6));
    keeper(&demo, "update guilds set journal_days = 31").await;
    assert_eq!(demo.number("select journal_prune(2)").await, 0);
    keeper(&demo, "update guilds set journal_days = null").await;
    assert_eq!(demo.number("select journal_prune(2)").await, 0);
    keeper(&demo, "update guilds set journal_days = 29").await;
    let mut steps = Vec::new();
    while let step @ 1.. = demo.number("select journal_prune(2)").await {
        steps.push(step);
        assert_eq!(
            demo.number(
                "select count(*) from journal_changes c where not exists (select from journal j
                    where j.guild_id = c.guild_id and j.created_at = c.created_at and j.made_in = c.made_in)"
            )
            .await,
            0,
            "no change is left without its turn"
        );
    }
    assert_eq!(steps.iter().sum::<i64>(), 3 + 5, "{steps:?}");
    assert!(steps.iter().all(|step| *step <= 4), "{steps:?}");
    assert_eq!(count().await, (1, 1));
}

async fn images(pool: &PgPool) -> Vec<(String, Option<Value>, Option<Value>)> {
    sqlx::query_as("select utterance_id::text, before, after from journal order by 1").fetch_all(pool).await.unwrap()
}

/// M3, I-15, I-35: the images of earlier turns come over with every key, and go back as they were.
#[tokio::test]
async fn earlier_images_come_over_whole() {
    let db = support::database().await;
    MIGRATIONS.undo(&db.pool, BEFORE).await.unwrap();
    sqlx::raw_sql(
        r#"insert into guilds (name) values ('Guild');
        insert into users (guild_id, name) select id, 'Ann' from guilds;
        insert into journal (guild_id, utterance_id, member_id, member_name, source, route, commands, outcome, reply,
            before, after)
        select guild_id, ('00000000-0000-4000-8000-00000000000' || n)::uuid, id, name, 's', 'local', '[]', outcome, 'r',
            before::jsonb, after::jsonb
        from users, (values
            (1, 'refused', null, null),
            (2, 'applied',
                '[{"kind": "task", "id": "aaaaaaaa-0000-4000-8000-000000000001", "row": {"name": "T", "lead_id": null, "odd": {"deep": [1, null]}}}]',
                '[{"kind": "task", "id": "aaaaaaaa-0000-4000-8000-000000000001", "row": {"name": "T", "lead_id": "x", "odd": {"deep": [2]}}}]'),
            (3, 'applied',
                '[{"kind": "squad", "id": "aaaaaaaa-0000-4000-8000-000000000002", "row": null}]',
                '[{"kind": "squad", "id": "aaaaaaaa-0000-4000-8000-000000000002", "row": {"name": "S"}}]'),
            (4, 'applied',
                '[{"kind": "squad", "id": "aaaaaaaa-0000-4000-8000-000000000002", "row": {"name": "S"}},
                  {"kind": "objective", "id": "aaaaaaaa-0000-4000-8000-000000000003", "row": {"progress": 1.5}},
                  {"kind": "objective", "id": "aaaaaaaa-0000-4000-8000-000000000003", "row": {"progress": 2.5}}]',
                '[{"kind": "squad", "id": "aaaaaaaa-0000-4000-8000-000000000002", "row": null},
                  {"kind": "objective", "id": "aaaaaaaa-0000-4000-8000-000000000003", "row": {"progress": 2.5}},
                  {"kind": "objective", "id": "aaaaaaaa-0000-4000-8000-000000000003", "row": {"progress": 3.5}}]'),
            (5, 'applied', '["odd", {"kind": "ship", "id": 7}]', '[{"x": 1}, {"kind": "task", "id": "no id"}]')
        ) as turn (n, outcome, before, after)"#,
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let before = images(&db.pool).await;
    MIGRATIONS.run(&db.pool).await.unwrap();
    let kept: Vec<(String, Option<Value>, Option<Value>)> = sqlx::query_as(
        "select c.kind, c.before, c.after from journal_changes c
            join journal j on j.guild_id = c.guild_id and j.created_at = c.created_at and j.made_in = c.made_in
        order by j.utterance_id, c.id",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    let kinds: Vec<&str> = kept.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["task", "squad", "squad", "objective", "objective", "other", "other"]);
    assert_eq!(kept[0].1.as_ref().unwrap()["odd"]["deep"], serde_json::json!([1, null]));
    assert_eq!((&kept[1].1, &kept[2].2), (&None, &None));
    MIGRATIONS.undo(&db.pool, BEFORE).await.unwrap();
    assert_eq!(images(&db.pool).await, before);
    MIGRATIONS.run(&db.pool).await.unwrap();
}
