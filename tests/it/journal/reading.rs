//! Who reads what of the journal.

use serde_json::{Value, json};

use super::{client, journal, keeper, lines, sql};
use crate::support::demo::{ARCHON, Demo};

/// Words that stand only in sections above the brief, or name what only the most senior rank sees.
const HIDDEN: [&str; 7] =
    ["decoy", "pirates", "caterpillars fly", "nobody knows", "midnight", "Black Lantern", "Light It"];

/// A guild in which much was dictated, and the words are kept.
async fn dictated(demo: &Demo) {
    keeper(
        demo,
        "insert into objectives (guild_id, name, applicable_rank, description)
        select id, 'Black Lantern', 'Archon', '{\"brief\": \"strike at midnight\"}' from guilds;
        insert into tasks (guild_id, objective_id, name) select guild_id, id, 'Light It' from objectives
        where name = 'Black Lantern'",
    )
    .await;
    let config = demo.config("[log]\nkeep_words = true\n");
    let orders = [
        "Update objective Ghost Convoy, set tactical, nobody knows the way",
        "Update objective Ghost Convoy, set classified, nobody knows the price",
        "Update objective Ghost Convoy, set brief, bring medicine",
        "Make Ghost Convoy critical priority",
        "Set priority of Black Lantern to critical",
        "Assign light it to Veshkar",
        "undo",
        "Mark jam the relay as completed",
    ];
    let run = demo.say_with(ARCHON, &["--config", config.to_str().unwrap()], &orders).await;
    for turn in run.turns() {
        assert_eq!(turn["outcome"], "applied", "{turn}");
    }
    // And one whose client keeps everything it should not.
    let mut on = client(demo, ARCHON).await;
    sql(
        &mut on,
        "select objective_describe(id, 'classified', 'nobody knows') from objectives where name = 'Ghost Convoy';
        select journal_write('00000000-0000-4000-8000-000000000001', 'own', 'nobody knows', true, 'local',
            '[{\"action\":\"objective.describe\",\"objective\":\"Ghost Convoy\",\"section\":\"classified\",
            \"text\":\"nobody knows\"}]', 'applied', 'Done.'); commit",
    )
    .await
    .unwrap();
}

/// J3, J4, I-21: a low rank that may read everyone's turns gets no byte of what is above it; the most senior gets all.
#[tokio::test]
async fn a_low_rank_reads_nothing_above_it() {
    let demo = Demo::new().await;
    dictated(&demo).await;
    keeper(&demo, "update access_levels set user_actions = user_actions || '{manage_guilds}' where name = 'Crew'")
        .await;
    for options in [&["--json", "--limit", "1000"][..], &["--limit", "1000"]] {
        let all = journal(&demo, ARCHON, options).await.expect(0, &[]).stdout.to_lowercase();
        let low = journal(&demo, "Tzipora", options).await.expect(0, &[]).stdout.to_lowercase();
        for word in HIDDEN.iter().filter(|word| !["midnight", "caterpillars fly"].contains(word)) {
            assert!(all.contains(&word.to_lowercase()), "{word} is there to be found: {all}");
        }
        for word in HIDDEN {
            assert!(!low.contains(&word.to_lowercase()), "{word}: {low}");
        }
        assert!(low.contains("bring medicine") && low.contains("jam the relay"), "the rest is shown: {low}");
        assert_eq!(low.lines().filter(|line| line.contains("isolde")).count(), 9, "every turn is listed: {low}");
    }
    let masked = lines(&demo, "Tzipora").await;
    let masked = masked.iter().find(|one| one["commands"] == json!([{"action": "objective.set_priority"}]));
    let masked = masked.unwrap_or_else(|| panic!("a turn about what is hidden is told by its action"));
    assert_eq!((&masked["heard"], &masked["reply"], &masked["changes"]), (&Value::Null, &Value::Null, &Value::Null));
    // A tactical clearance reads what is tactical.
    let middle = journal(&demo, "Thandiwe", &["--json", "--limit", "1000"]).await.stdout.to_lowercase();
    assert!(middle.contains("nobody knows the way") && !middle.contains("knows the price"), "{middle}");
}

/// J3, J4: who was demoted does not read what they dictated as an officer, on no way that is left.
#[tokio::test]
async fn a_demoted_member_does_not_read_their_own_secrets() {
    let demo = Demo::new().await;
    dictated(&demo).await;
    keeper(
        &demo,
        "update users set rank = (select id from ranks where name = 'Starhand') where name = 'Isolde Marchetti'",
    )
    .await;
    let own = journal(&demo, ARCHON, &["--json", "--limit", "1000"]).await.expect(0, &[]).stdout.to_lowercase();
    for word in HIDDEN {
        assert!(!own.contains(&word.to_lowercase()), "{word}: {own}");
    }
    assert!(own.contains("bring medicine"), "{own}");
    let mut on = client(&demo, ARCHON).await;
    let find = "select to_jsonb(f) from journal_find('00000000-0000-4000-8000-000000000001') f";
    let found: Value = sqlx::query_scalar(find).fetch_one(&mut on).await.unwrap();
    assert_eq!((&found["commands"][0]["text"], &found["outcome"]), (&Value::Null, &json!("applied")), "{found}");
}

/// J2, J3: who may not look at objectives and tasks learns nothing of them from the journal; and a change shows its maker
/// how the row stands, not what it holds.
#[tokio::test]
async fn the_journal_is_no_way_around_the_right_to_look() {
    let demo = Demo::new().await;
    dictated(&demo).await;
    keeper(&demo, "update access_levels set user_actions = '{manage_guilds}' where name = 'Crew'").await;
    let low = journal(&demo, "Tzipora", &["--json", "--limit", "1000"]).await.expect(0, &[]).stdout.clone();
    assert!(!low.contains("medicine") && !low.contains("Jam the Relay"), "{low}");
    let mut on = client(&demo, "Tzipora").await;
    let report = "with one as (select objective_measure((array_agg(id))[1], null, 1) from objectives
            where name = 'Ghost Convoy') select count(*) from one";
    keeper(&demo, "update access_levels set user_actions = '{view_objectives}' where name = 'Crew'").await;
    sql(&mut on, report).await.unwrap();
    let shown: Value =
        sqlx::query_scalar("select jsonb_agg(n.after) from changes_now() n").fetch_one(&mut on).await.unwrap();
    let keys: Vec<&String> = shown[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["status", "progress"], "{shown}");
}

/// Members see their own turns, leaders everyone's; the newest come first, and options narrow them down.
#[tokio::test]
async fn the_command_shows_who_what_and_when() {
    let demo = Demo::new().await;
    journal(&demo, ARCHON, &[]).await.expect(0, &[]);
    demo.say("Veshkar", &["Assign jam the relay to Veshkar", "undo"]).await.expect(0, &[]);
    demo.say("Static", &["Create objective paint the hangar"]).await;
    let shown = journal(&demo, ARCHON, &[]).await.expect(0, &[]).stdout.clone();
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    assert_eq!(shown.len(), 6, "{shown:?}");
    assert!(shown[0].ends_with("Static   refused   objective.create name=\"Paint the hangar\""), "{shown:?}");
    assert!(shown[1].starts_with("    reply    Sorry,"), "{shown:?}");
    assert!(shown[2].ends_with("Veshkar  done      undo"), "{shown:?}");
    assert_eq!(shown[3], "    task Jam the Relay: lead Veshkar → none");
    assert!(shown[4].ends_with("task=\"Jam the Relay\" member=\"Veshkar\", taken back"), "{shown:?}");
    assert_eq!(shown[5], "    task Jam the Relay: lead none → Veshkar");
    for (member, options, count) in [
        ("Static", &[][..], 1),
        ("Veshkar", &[], 2),
        ("Veshkar", &["--member", "veshkar"], 2),
        (ARCHON, &["--member", "Static"], 1),
        (ARCHON, &["--limit", "2"], 2),
        (ARCHON, &["--since", "1h"], 3),
        (ARCHON, &["--since", "2020-01-01"], 3),
        (ARCHON, &["--since", "2999-01-01T00:00:00Z"], 0),
    ] {
        let run = journal(&demo, member, &[&["--json"], options].concat()).await;
        run.expect(0, &[]);
        assert_eq!(run.stdout.lines().count(), count, "{member} {options:?}: {run:?}");
    }
    journal(&demo, "Static", &["--member", "Veshkar"]).await.expect(1, &["manage_guilds"]);
    journal(&demo, ARCHON, &["--member", "Veshkaar"]).await.expect(2, &["did you mean \"Veshkar\""]);
    journal(&demo, ARCHON, &["--since", "yesterday"]).await.expect(2, &["is no time"]);
    journal(&demo, ARCHON, &["--limit", "0"]).await.expect(2, &["--limit"]);
}
