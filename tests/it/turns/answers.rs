//! Several turns that belong together: answers, corrections, what "it" means.

use serde_json::Value;

use crate::support::demo::{ARCHON, Demo};

/// Each conversation begins in the imported guild: what is said, how the turn ends, and words of its reply.
const TALKS: &[&[(&str, &str, &str)]] = &[
    &[
        ("Cancel Copper Harvest", "asked", "Confirm"),
        ("what can I say?", "answered", "Say yes or no"),
        ("yes", "applied", "Copper Harvest is cancelled"),
        ("undo", "applied", "Copper Harvest is active again"),
    ],
    &[
        ("Mark Copper Harvest as completed", "asked", "Confirm: Copper Harvest becomes completed"),
        ("no, Ghost Convoy", "asked", "Confirm: Ghost Convoy becomes completed"),
        ("yes", "applied", "Ghost Convoy is completed"),
    ],
    &[
        ("Assign jam the relay to Veshkar", "applied", "Jam the Relay is with Veshkar"),
        ("No, to Bjornulf", "applied", "Jam the Relay is with Bjornulf"),
        ("I meant squad Night Herons", "applied", "Jam the Relay is with squad Night Herons"),
    ],
    &[
        ("Set Ghost Convoy progress to sixty percent", "applied", "60 percent"),
        ("no, seventy percent", "applied", "Ghost Convoy is at 70 percent"),
        ("sorry, I meant First Light Survey", "applied", "First Light Survey is at 70 percent"),
        ("What is the status of Ghost Convoy", "answered", "60 percent"),
    ],
    &[
        ("Delivered twenty tons of copper for Ghost Convoy", "applied", "added to Ghost Convoy"),
        ("no, thirty", "applied", "30"),
        ("undo", "applied", "Taken back"),
        ("undo", "answered", ""),
    ],
    &[
        ("Assign jam the relay to Veshkar", "applied", "Veshkar"),
        ("The pizza is here", "ignored", ""),
        ("cancel", "answered", "Say undo"),
        ("undo", "applied", "Taken back"),
    ],
];

/// What is said after a question or an order is understood beside it; what was done wrongly is taken back when the right
/// order does not take its place by itself.
#[tokio::test]
async fn what_belongs_together_is_understood_together() {
    for talk in TALKS {
        let demo = Demo::new().await;
        let texts: Vec<&str> = talk.iter().map(|(text, ..)| *text).collect();
        let run = demo.say(ARCHON, &texts).await;
        for (turn, (text, outcome, reply)) in run.turns().iter().zip(*talk) {
            let said: &Value = &turn["reply"];
            assert_eq!(turn["outcome"], *outcome, "{text}: {said}");
            assert!(said.as_str().unwrap().contains(reply), "{text}: {said}");
        }
    }
}

/// The answer to "which one" may be a place, what tells them apart, or the name as it sounds.
#[tokio::test]
async fn which_one_is_answered_in_many_ways() {
    for (answer, squad) in [
        ("the first one", true),
        ("number one", true),
        ("the one in Night Herons", true),
        ("Night Herons", true),
        ("the second", false),
        ("the last one", false),
        ("neither", false),
        ("the fifth one", false),
    ] {
        let demo = Demo::new().await;
        sqlx::query(
            "insert into users (guild_id, name, phonetic, squad_id)
            select g.id, n.name, 'wimble', (select s.id from squads s where s.guild_id = g.id and s.name = n.squad)
            from guilds g, (values ('Wymble', 'Night Herons'), ('Wimbel', 'Nope')) as n (name, squad)",
        )
        .execute(&demo.db.pool)
        .await
        .unwrap();
        let run = demo.say(ARCHON, &["Assign jam the relay to wimble", answer]).await;
        let turns = run.turns();
        assert_eq!(turns[0]["outcome"], "asked", "{run:?}");
        let first = turns[0]["reply"].as_str().unwrap();
        let in_order = first.find("Wymble") < first.find("Wimbel");
        if matches!(answer, "neither" | "the fifth one") {
            assert_ne!(turns[1]["outcome"], "applied", "{answer}: {run:?}");
            continue;
        }
        let by_place = !answer.contains("Night Herons");
        let wanted = if squad == (in_order || !by_place) { "Wymble" } else { "Wimbel" };
        assert_eq!(turns[1]["commands"][0]["member"], wanted, "{answer}: {run:?}");
    }
}
