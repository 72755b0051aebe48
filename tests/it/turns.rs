//! The contract of a turn, with the real program: its JSON, its exit codes, its journal and its questions.

mod answers;
mod conversation;
mod free_answers;
mod free_words;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::demo::{ARCHON, Demo, Run, assert_carried_out, changed, row, run};

/// The keys of a turn, in their order.
const KEYS: [&str; 11] =
    ["turn", "source", "heard", "confidence", "mentions", "route", "commands", "outcome", "reply", "error", "ms"];
/// The stages that are measured.
const STAGES: [&str; 6] = ["speech", "names", "route", "store", "reply", "total"];
const ASSIGN: &str = "Assign task jam the relay to Veshkar.";

fn outcomes(run: &Run) -> Vec<String> {
    run.turns().iter().map(|turn| turn["outcome"].as_str().unwrap().to_owned()).collect()
}

fn commands(turn: &Value) -> &Vec<Value> {
    turn["commands"].as_array().unwrap()
}

#[tokio::test]
async fn a_turn_is_one_json_object_on_one_line() {
    let demo = Demo::new().await;
    let texts = [ASSIGN, "What tasks does Veshkar have?", "Assign train the rookies to Rhea", "", "Fly me to the moon"];
    let run = demo.say(ARCHON, &texts).await;
    let turns = run.turns();
    assert_eq!(turns.len(), texts.len(), "{run:?}");
    let mut ids = BTreeSet::new();
    for (turn, text) in turns.iter().zip(texts) {
        let keys: Vec<&str> = turn.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, KEYS, "{turn}");
        let id: uuid::Uuid = turn["turn"].as_str().unwrap().parse().unwrap();
        assert!(ids.insert(id), "{id} twice");
        assert_eq!(turn["source"], "typed");
        assert_eq!(turn["heard"], text);
        assert_eq!(turn["confidence"], 1.0);
        for mention in turn["mentions"].as_array().unwrap() {
            let keys: Vec<&str> = mention.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, ["heard", "kind", "name", "score"], "{turn}");
            assert!((0.0..=1.0).contains(&mention["score"].as_f64().unwrap()), "{turn}");
        }
        assert!(["local", "llm", "none"].contains(&turn["route"].as_str().unwrap()), "{turn}");
        assert!(commands(turn).iter().all(|one| one["action"].is_string()), "{turn}");
        assert!(!turn["reply"].as_str().unwrap().is_empty(), "{turn}");
        match turn["outcome"].as_str().unwrap() {
            "applied" | "answered" | "asked" => assert_eq!(turn["error"], Value::Null, "{turn}"),
            "refused" | "ignored" | "failed" => {
                let keys: Vec<&str> = turn["error"].as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(keys, ["kind", "detail"], "{turn}");
            }
            other => panic!("{other} is no outcome of the contract: {turn}"),
        }
        let stages: Vec<&str> = turn["ms"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(stages, STAGES, "{turn}");
        let parts: f64 = STAGES[..5].iter().map(|stage| turn["ms"][stage].as_f64().unwrap()).sum();
        assert!(parts <= turn["ms"]["total"].as_f64().unwrap() + 1.0, "{turn}");
    }
    assert_eq!(outcomes(&run), ["applied", "answered", "asked", "ignored", "ignored"], "{run:?}");
    assert_eq!(turns[0]["commands"], json!([{"action": "task.assign", "task": "Jam the Relay", "member": "Veshkar"}]));
    assert_eq!(turns[0]["reply"], "Jam the Relay is with Veshkar.");
    assert_eq!(run.code, 1, "one was asked");
    assert_eq!(run.stderr, "", "nothing needs a word");
}

/// Every action that has a fixed wording, in an order in which each succeeds, and what the database holds then.
#[tokio::test]
async fn what_is_typed_stands_in_the_database() {
    let demo = Demo::new().await;
    let script: &[(&str, &[&str])] = &[
        (
            ARCHON,
            &[
                "Create objective guard the embassy for category combat with priority high",
                "Create objective buy new scanners with a target of 40",
                "Update objective First Light Survey, add brief, chart every cave",
                "Update objective Ghost Convoy, set classified, trust nobody",
                "Set priority of Ghost Convoy to critical",
                "Put Reclaimer Season on hold",
                "Set Copper Harvest progress to forty percent",
                "Add category salvage to Copper Harvest",
                "Set the lead of First Light Survey to Thandiwe",
                "Give objective First Light Survey to squad Night Herons",
                "Create task open the airlock for objective Operation Glass Dagger",
                "Assign open the airlock to Bjornulf",
                "Assign watch the gateway to squad Ember Flight",
                "Make escort the dropship high priority",
                "Mark task jam the relay as completed",
                "Set open the airlock progress to 30 percent",
                "Promote Tadhg to Starhand",
                "Add Yllandra to squad Longhaul",
                "Create squad Iron Lantern with lead Oswin Dray",
                "Set the lead of squad Iron Lantern to Wojciech",
                "Set the availability of Harbor to busy",
                "Schedule load the caterpillar for thirty minutes from now",
                "Mark spoof the transponders as in progress and give plot the jump to Biscuit",
            ],
        ),
        ("Tzipora", &["I'll take sample the geysers", "Release sample the geysers", "I'm busy"]),
        ("Biscuit", &["Delivered 150 SCU of copper for Copper Harvest", "Delivered 25.5 SCU for Copper Harvest"]),
    ];
    let mut actions = BTreeSet::new();
    for (speaker, texts) in script {
        for text in *texts {
            let before = demo.guild_rows().await;
            let run = demo.say(speaker, &[text]).await;
            let turn = run.turn();
            assert_eq!(turn["outcome"], "applied", "{text}: {turn}");
            assert_eq!(run.code, 0);
            let after = demo.guild_rows().await;
            assert_ne!(before, after, "{text} changed nothing");
            assert_carried_out(&before, &after, commands(&turn), speaker);
            actions.extend(commands(&turn).iter().map(|one| one["action"].as_str().unwrap().to_owned()));
        }
    }
    let rows = demo.guild_rows().await;
    assert_eq!(row(&rows, "objectives", "Copper Harvest")["description"]["metrics"]["current_value"], 295.5);
    assert_eq!(actions.len(), 22, "{actions:?}");
    let texts: usize = script.iter().map(|(_, texts)| texts.len()).sum();
    assert_eq!(demo.journal().await.len(), texts, "one row a turn");
}

#[tokio::test]
async fn a_dry_run_says_applied_and_leaves_every_table_as_it_was() {
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let texts = [
        ASSIGN,
        "Create objective guard the embassy",
        "Delivered 150 SCU of copper for Copper Harvest",
        "Mark jam the relay as completed and assign spoof the transponders to Bjornulf",
        "Disband squad Longhaul",
        "Yes",
    ];
    let run = demo.say_with(ARCHON, &["--dry-run"], &texts).await;
    assert_eq!(outcomes(&run), ["applied", "applied", "applied", "applied", "asked", "applied"], "{run:?}");
    let refused = demo.say_with("Static", &["--dry-run"], &["Create objective paint the hangar"]).await;
    assert_eq!(refused.turn()["outcome"], "refused");
    assert_eq!(changed(&before, &demo.rows().await), BTreeSet::new());
    assert_eq!(before, demo.rows().await);
}

#[tokio::test]
async fn a_batch_that_is_sent_again_is_done_once() {
    let demo = Demo::new().await;
    let report = "Delivered 7 SCU of copper for Copper Harvest";
    let texts = ["--batch", "night-1", report, ASSIGN, report];
    let say = async |texts: &[&str]| {
        let mut command = demo.program();
        command.args(["--json", "--as", ARCHON, "say"]).args(texts);
        run(command).await
    };
    let first = say(&texts).await;
    first.expect(0, &[]);
    let rows = demo.guild_rows().await;
    assert_eq!(row(&rows, "objectives", "Copper Harvest")["description"]["metrics"]["current_value"], 134);
    let journal = demo.journal().await;
    assert_eq!(journal.len(), 3);
    let second = say(&texts).await;
    second.expect(0, &[]);
    for (one, other) in first.turns().iter().zip(second.turns()) {
        for key in ["turn", "source", "route", "commands", "outcome", "reply", "error"] {
            assert_eq!(one[key], other[key], "{key}: {one} {other}");
        }
    }
    assert_eq!(demo.guild_rows().await, rows);
    assert_eq!(demo.journal().await, journal);
    // Another name is another batch.
    say(&["--batch", "night-2", report]).await.expect(0, &[]);
    let rows = demo.guild_rows().await;
    assert_eq!(row(&rows, "objectives", "Copper Harvest")["description"]["metrics"]["current_value"], 141);
}

#[tokio::test]
async fn who_may_not_is_refused_and_nothing_is_changed() {
    let demo = Demo::new().await;
    let cases = [
        ("Static", "Create objective paint the hangar", "create objective"),
        ("Tzipora", ASSIGN, "manage tasks"),
        ("Biscuit", "Set priority of Ghost Convoy to low", "manage objectives"),
        ("Thandiwe", "Create squad Iron Lantern", "manage squads"),
        ("Veshkar", "Promote Tadhg to Marshal", "ranks below your own"),
        ("Veshkar", "Promote Isolde Marchetti to Starhand", "ranks below your own"),
        ("Tzipora", "Read me the classified section of Ghost Convoy", "clearance"),
        ("Wojciech", "Update objective Ghost Convoy, set classified, trust nobody", "clearance"),
        ("Tzipora", "I'll take breach the hangar", "already has"),
        ("Tzipora", "Release breach the hangar", "only its lead"),
    ];
    let before = demo.guild_rows().await;
    for (member, text, reason) in cases {
        let run = demo.say(member, &[text]).await;
        let turn = run.turn();
        assert_eq!((turn["outcome"].as_str(), run.code), (Some("refused"), 1), "{member} {text}: {turn}");
        assert_eq!(turn["error"]["kind"], "denied", "{turn}");
        let reply = turn["reply"].as_str().unwrap().to_lowercase();
        assert!(reply.contains(reason) && reply.contains("nothing was changed"), "{reply}");
        for secret in ["decoy", "pirates", "crates"] {
            assert!(!run.stdout.contains(secret), "{run:?}");
        }
    }
    assert_eq!(before, demo.guild_rows().await);
    let journal = demo.journal().await;
    assert_eq!(journal.len(), cases.len(), "a refusal is written down");
    assert!(journal.iter().all(|one| one["outcome"] == "refused"), "{journal:?}");
    assert_eq!(demo.number("select count(*) from journal_changes").await, 0);
}

#[tokio::test]
async fn a_name_of_two_is_asked_about_and_the_next_words_answer() {
    let order = "Assign train the rookies to Rhea";
    for (answer, chosen) in [
        ("Rhea Solano", "Rhea Solano"),
        ("Rhea Okafor", "Rhea Okafor"),
        ("The second one", "Rhea Solano"),
        ("The one of Longhaul.", "Rhea Solano"),
    ] {
        let demo = Demo::new().await;
        let before = demo.guild_rows().await;
        let asked = demo.say(ARCHON, &[order]).await;
        let turn = asked.turn();
        assert_eq!((turn["outcome"].as_str(), asked.code), (Some("asked"), 1), "{turn}");
        let reply = turn["reply"].as_str().unwrap();
        assert!(reply.find("Okafor").unwrap() < reply.find("Solano").unwrap(), "{reply}");
        assert_eq!(before, demo.guild_rows().await, "asking changes nothing");

        let run = demo.say(ARCHON, &[order, answer]).await;
        assert_eq!(outcomes(&run), ["asked", "applied"], "{run:?}");
        let after = demo.guild_rows().await;
        assert_carried_out(&before, &after, commands(&run.turns()[1]), ARCHON);
        let task = row(&after, "tasks", "Train the Rookies");
        assert_eq!(task["lead_id"], row(&after, "users", chosen)["id"], "{answer}");
    }
}

/// Typed names are told apart by how they are written, even when they are said alike.
#[tokio::test]
async fn a_typed_name_is_taken_as_it_is_written() {
    for name in ["Maelis", "Maylis"] {
        let demo = Demo::new().await;
        let turn = demo.say(ARCHON, &[&format!("Assign recover the black box to {name}")]).await.turn();
        assert_eq!(turn["outcome"], "applied", "{turn}");
        assert_eq!(turn["commands"][0]["member"], name, "{turn}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_leaves_everything_as_it_was() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    for answer in ["Never mind", "No", "Yes", "the fifth one", ""] {
        let run = demo.say(ARCHON, &["Assign train the rookies to Rhea", answer]).await;
        let turns = run.turns();
        assert_ne!(turns[1]["outcome"], "applied", "{answer}: {run:?}");
        assert_eq!(before, demo.guild_rows().await, "{answer}");
    }
}

#[tokio::test]
async fn what_touches_many_is_done_on_yes_and_dropped_on_no() {
    let cases =
        [("Cancel objective Copper Harvest", "objective.set_status"), ("Disband squad Longhaul", "squad.disband")];
    for (order, action) in cases {
        let demo = Demo::new().await;
        let before = demo.guild_rows().await;
        let dropped = demo.say(ARCHON, &[order, "No", "Yes"]).await;
        assert_eq!(outcomes(&dropped), ["asked", "answered", "answered"], "{dropped:?}");
        assert_eq!(dropped.turns()[0]["commands"][0]["action"], action);
        assert_eq!(before, demo.guild_rows().await, "{order}");
        assert_eq!(demo.journal().await.len(), 0);

        // Another order in between takes the question back.
        let other = demo.say(ARCHON, &[order, "Who am I?", "Yes"]).await;
        assert_eq!(outcomes(&other), ["asked", "answered", "answered"], "{other:?}");
        assert_eq!(before, demo.guild_rows().await, "{order}");

        let done = demo.say(ARCHON, &[order, "Yes"]).await;
        assert_eq!(outcomes(&done), ["asked", "applied"], "{done:?}");
        let after = demo.guild_rows().await;
        assert_carried_out(&before, &after, commands(&done.turns()[1]), ARCHON);
        assert_eq!(demo.journal().await.len(), 1);
    }
    let demo = Demo::new().await;
    let refused = demo.say("Static", &["Disband squad Longhaul", "Yes"]).await;
    assert_eq!(outcomes(&refused), ["refused", "answered"], "who may not is not asked first: {refused:?}");
}

/// A task found by one word of its name, and a typed name that only comes close, change nothing before a "yes".
#[tokio::test]
async fn an_unsure_name_is_read_back_first() {
    for (member, order) in [("Tzipora", "I'll take the geysers"), (ARCHON, "Assign jam the relay to Vashkor")] {
        let demo = Demo::new().await;
        let before = demo.guild_rows().await;
        let asked = demo.say(member, &[order]).await;
        assert_eq!(outcomes(&asked), ["asked"], "{asked:?}");
        assert_eq!(before, demo.guild_rows().await, "{order}");
        let done = demo.say(member, &[order, "yes"]).await;
        assert_eq!(outcomes(&done), ["asked", "applied"], "{done:?}");
        assert_carried_out(&before, &demo.guild_rows().await, commands(&done.turns()[1]), member);
    }
}

#[tokio::test]
async fn several_orders_in_one_breath_are_one_transaction() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let cases = [
        // The first he may, for he leads it; the second he may not.
        ("Biscuit", "Mark guard the refinery as completed and assign plot the jump to Biscuit", "refused"),
        // There is such a squad already.
        (ARCHON, "Assign jam the relay to Veshkar and create squad Longhaul", "asked"),
        // The second is refused by the database, after the first was carried out.
        (ARCHON, "Mark jam the relay as completed and set jam the relay progress to 40 percent", "failed"),
        // The second is unclear.
        (ARCHON, "Mark jam the relay as completed and assign train the rookies to Rhea", "asked"),
    ];
    for (member, text, outcome) in cases {
        let run = demo.say(member, &[text]).await;
        let turn = run.turn();
        assert_eq!((turn["outcome"].as_str(), run.code), (Some(outcome), 1), "{text}: {turn}");
        assert_eq!(before, demo.guild_rows().await, "{text}");
    }
    let good = "Mark jam the relay as completed and assign spoof the transponders to Bjornulf";
    let turn = demo.say(ARCHON, &[good]).await.turn();
    assert_eq!(turn["outcome"], "applied", "{turn}");
    assert_eq!(commands(&turn).len(), 2);
    assert_carried_out(&before, &demo.guild_rows().await, commands(&turn), ARCHON);
    let journal = demo.journal().await;
    let applied: Vec<_> = journal.iter().filter(|one| one["outcome"] == "applied").collect();
    assert_eq!(applied.len(), 1, "one turn, one row");
    assert_eq!(demo.changes(applied[0]).await.len(), 2);
}

#[tokio::test]
async fn the_journal_keeps_who_what_and_the_rows_before_and_after() {
    let demo = Demo::new().await;
    let turn = demo.say("Veshkar", &[ASSIGN]).await.turn();
    let rows = demo.guild_rows().await;
    let (task, member) = (row(&rows, "tasks", "Jam the Relay"), row(&rows, "users", "Veshkar"));
    let journal = demo.journal().await;
    assert_eq!(journal.len(), 1);
    let entry = &journal[0];
    assert_eq!(entry["utterance_id"], turn["turn"]);
    assert_eq!(entry["guild_id"], task["guild_id"]);
    assert_eq!((&entry["member_id"], &entry["member_name"]), (&member["id"], &json!("Veshkar")));
    assert_eq!(
        (&entry["source"], &entry["route"], &entry["outcome"]),
        (&json!("typed"), &json!("local"), &json!("applied"))
    );
    assert_eq!((&entry["commands"], &entry["reply"]), (&turn["commands"], &turn["reply"]));
    assert_eq!(entry["heard"], Value::Null, "words are kept only where the settings say so");
    assert_eq!(entry["heard_hash"].as_str().unwrap().len(), 64, "and hashed everywhere");
    assert_eq!((&entry["rank_level"], &entry["clearance"]), (&json!(2), &json!("classified")));
    let changes = demo.changes(entry).await;
    assert_eq!(changes.len(), 1);
    let change = &changes[0];
    assert_eq!((&change["kind"], &change["row_id"]), (&json!("task"), &task["id"]));
    let (before, after) = (&change["before"], &change["after"]);
    for (key, value) in task.as_object().unwrap().iter().filter(|(key, _)| *key != "updated_at") {
        assert_eq!(&after[key], value, "{key}");
    }
    assert_eq!((&before["lead_id"], &after["lead_id"]), (&Value::Null, &member["id"]));

    let config = demo.config("[log]\nkeep_words = true\n");
    let keep = demo.say_with("Veshkar", &["--config", config.to_str().unwrap()], &["I'm busy"]).await;
    assert_eq!(keep.turn()["outcome"], "applied");
    assert_eq!(demo.journal().await[1]["heard"], "I'm busy");
}

#[tokio::test]
async fn the_exit_code_tells_scripts_how_it_went() {
    let demo = Demo::new().await;
    for (member, texts, code) in [
        (ARCHON, vec![ASSIGN], 0),
        (ARCHON, vec!["Who am I?"], 0),
        (ARCHON, vec!["Fly me to the moon"], 0),
        ("Static", vec!["Create objective paint the hangar"], 1),
        (ARCHON, vec!["Assign train the rookies to Rhea"], 1),
        (ARCHON, vec!["Create squad Longhaul"], 1),
        ("Static", vec!["Create objective paint the hangar", "Who am I?"], 1),
        ("Nobody Here", vec!["Who am I?"], 2),
    ] {
        let run = demo.say(member, &texts).await;
        assert_eq!(run.code, code, "{member} {texts:?}: {run:?}");
    }
    let mut away = demo.program();
    away.env("SPHERECONNECT_DATABASE_URL", "postgres://nobody@no-such-host.invalid/none");
    away.args(["--as", ARCHON, "say", "Help"]);
    run(away).await.expect(3, &["cannot be reached"]);
}
