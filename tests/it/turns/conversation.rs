//! Words that point back, orders that must not be carried out, and what a guild sets for itself.

use serde_json::json;

use super::{commands, outcomes};
use crate::support::demo::{ARCHON, Demo, run};

/// What was last spoken of is what "it" and "him" mean in the next utterance, also when it was only asked about.
#[tokio::test]
async fn words_that_point_back_mean_what_was_last_spoken_of() {
    let demo = Demo::new().await;
    let texts = [
        "give it to Veshkar",
        "who is on jam the relay?",
        "Give it to Veshkar.",
        "Give him spoof the transponders and make it urgent.",
        "Jam the relay can't wait, treat it as urgent.",
    ];
    let run = demo.say(ARCHON, &texts).await;
    assert_eq!(outcomes(&run), ["asked", "answered", "applied", "applied", "applied"], "{run:?}");
    let turns = run.turns();
    assert_eq!(turns[2]["commands"], json!([{"action": "task.assign", "task": "Jam the Relay", "member": "Veshkar"}]));
    assert_eq!(
        turns[3]["commands"],
        json!([
            {"action": "task.assign", "task": "Spoof the Transponders", "member": "Veshkar"},
            {"action": "task.set_priority", "task": "Spoof the Transponders", "priority": "critical"},
        ])
    );
    assert_eq!(commands(&turns[4]).len(), 1, "one order, said twice");
}

/// An objective and its tasks in one breath: read back, made in one transaction, and taken back as one.
#[tokio::test]
async fn an_objective_is_created_with_its_tasks() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let texts = [
        "Create objective Silent Watch with high priority and tasks scout the ridge, guard the gate and refuel.",
        "yes",
        "undo",
        "Create task count the crates.",
        "Copper Harvest",
        "no",
    ];
    let run = demo.say(ARCHON, &texts).await;
    assert_eq!(outcomes(&run), ["asked", "applied", "applied", "asked", "asked", "answered"], "{run:?}");
    let turns = run.turns();
    let tasks = json!(["Scout the ridge", "Guard the gate", "Refuel"]);
    let expected = json!([{"action": "objective.create", "name": "Silent Watch", "priority": "high", "tasks": tasks}]);
    assert_eq!(turns[1]["commands"], expected);
    assert_eq!(turns[1]["reply"], "Objective Silent Watch is created with high priority and 3 tasks.");
    let journal = demo.journal().await;
    let own = journal.iter().find(|row| row["utterance_id"] == turns[1]["turn"]).unwrap();
    assert_eq!(demo.changes(own).await.len(), 4, "the objective and three tasks");
    assert_eq!(before, demo.guild_rows().await, "all four are gone again");
}

/// A list of names without an "and" may be a misheard correction: it is read back.
#[tokio::test]
async fn a_list_without_an_and_is_read_back() {
    let demo = Demo::new().await;
    let texts = [
        "Put jam the relay, spoof the transponders on hold.",
        "no",
        "Put jam the relay and spoof the transponders on hold.",
    ];
    let run = demo.say(ARCHON, &texts).await;
    assert_eq!(outcomes(&run), ["asked", "answered", "applied"], "{run:?}");
}

/// What is forbidden, hangs on a condition or is taken back changes nothing, and the reply says so.
#[tokio::test]
async fn what_must_not_be_done_is_answered_and_not_done() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let texts = [
        "Don't assign jam the relay to Veshkar.",
        "Assign jam the relay to Veshkar if he is online.",
        "Assign jam the relay to Veshkar, never mind.",
    ];
    let run = demo.say(ARCHON, &texts).await;
    assert_eq!(outcomes(&run), ["ignored", "failed", "answered"], "{run:?}");
    assert!(
        run.turns().iter().all(|turn| turn["reply"].as_str().unwrap().ends_with("Nothing was changed.")),
        "{run:?}"
    );
    assert_eq!(before, demo.guild_rows().await);
}

/// Times are those of the zone in the settings; a guild's own wordings stand beside those that ship.
#[tokio::test]
async fn a_guild_sets_its_time_zone_and_its_own_wordings() {
    let demo = Demo::new().await;
    let folder = tempfile::tempdir().unwrap();
    let wordings = folder.path().join("own.txt");
    std::fs::write(&wordings, "task.assign\n  shove {task} at {member}\n  shove {tsak} at {member}\n").unwrap();
    let settings =
        format!("[guild]\ntimezone = \"Pacific/Kiritimati\"\nwordings = {:?}\n", wordings.display().to_string());
    let mut command = demo.program();
    let texts = ["Shove jam the relay at Veshkar", "Schedule jam the relay for tomorrow at twenty hundred"];
    command.arg("--config").arg(demo.config(&settings)).args(["--json", "--as", ARCHON, "say"]).args(texts);
    let run = run(command).await;
    assert_eq!(outcomes(&run), ["applied", "applied"], "{run:?}");
    assert!(run.stderr.contains("line 3: no slot is called \"tsak\"; the line is left out"), "{}", run.stderr);
    // Fourteen hours ahead of UTC the whole year.
    let start = run.turns()[1]["commands"][0]["start"].as_str().unwrap().to_owned();
    assert!(start.ends_with("T06:00:00Z"), "{start}");
}
