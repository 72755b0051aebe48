//! What was done is taken back exactly, or not at all.

use std::collections::BTreeSet;

use sphereconnect::intent::Action;

use super::{client, expect, keeper, lines, rows, sql};
use crate::support::demo::{ARCHON, Demo, Run, row};

const ASSIGN: &str = "Assign jam the relay to Veshkar";
const NOTHING: &str = "There is nothing of yours to take back.";

/// Orders of every kind, each as `speaker | order | what "undo" answers`; an order that is confirmed ends with a "yes".
const ORDERS: &str = "
Isolde Marchetti | Create objective guard the embassy for category combat with priority high
    | Taken back: Objective Guard the embassy is gone again.
Isolde Marchetti | Create objective buy new scanners with a target of 40
    | Taken back: Objective Buy new scanners is gone again.
Isolde Marchetti | Update objective First Light Survey, add brief, chart every cave
    | Taken back: The brief section of First Light Survey is as it was.
Isolde Marchetti | Update objective Ghost Convoy, set classified, trust nobody
    | Taken back: The classified section of Ghost Convoy is as it was.
Isolde Marchetti | Set priority of Ghost Convoy to critical | Taken back: Ghost Convoy has high priority again.
Isolde Marchetti | Put Reclaimer Season on hold | Taken back: Reclaimer Season is active again.
Isolde Marchetti | Cancel objective Reclaimer Season; yes | Taken back: Reclaimer Season is active again.
Isolde Marchetti | Set Copper Harvest progress to forty percent | Taken back: Copper Harvest is at 20 percent again.
Isolde Marchetti | Add category salvage to Copper Harvest
    | Taken back: Copper Harvest is no longer in category Salvage.
Isolde Marchetti | Set the lead of First Light Survey to Thandiwe
    | Taken back: First Light Survey has no lead again.
Isolde Marchetti | Set the lead of Ghost Convoy to Thandiwe | Taken back: Siobhan Kerr leads Ghost Convoy again.
Isolde Marchetti | Give objective First Light Survey to squad Night Herons
    | Taken back: First Light Survey is with no squad again.
Isolde Marchetti | Create task open the airlock for objective Operation Glass Dagger
    | Taken back: Task Open the airlock is gone again.
Isolde Marchetti | Assign guard the refinery to Bjornulf | Taken back: Guard the Refinery is with Biscuit again.
Isolde Marchetti | Assign watch the gateway to squad Ember Flight
    | Taken back: Watch the Gateway is with no squad again.
Isolde Marchetti | Make escort the dropship high priority | Taken back: Escort the Dropship has medium priority again.
Isolde Marchetti | Set jam the relay progress to 30 percent | Taken back: Jam the Relay is at 0 percent again.
Isolde Marchetti | Mark task jam the relay as completed | Taken back: Jam the Relay is pending again.
Isolde Marchetti | Promote Tadhg to Starhand | Taken back: Tadhg is Fledgling again.
Isolde Marchetti | Add Yllandra to squad Longhaul | Taken back: Yllandra is in no squad again.
Isolde Marchetti | Add Biscuit to squad Longhaul | Taken back: Biscuit is in squad Quarry Gang again.
Isolde Marchetti | Create squad Iron Lantern with lead Oswin Dray | Taken back: Squad Iron Lantern is gone again.
Isolde Marchetti | Set the lead of squad Longhaul to Wojciech
    | Taken back: Siobhan Kerr leads squad Longhaul again.
Isolde Marchetti | Disband squad Night Herons; yes
    | Taken back: Squad Night Herons is back. Thandiwe is in squad Night Herons again. Ximena Duarte is in squad Night Herons again. Tzipora is in squad Night Herons again.
Isolde Marchetti | Set the availability of Harbor to busy | Taken back: Harbor is offline again.
Isolde Marchetti | Schedule load the caterpillar for thirty minutes from now
    | Taken back: Load the Caterpillar is not scheduled again.
Isolde Marchetti | Mark spoof the transponders as in progress and give plot the jump to Biscuit
    | Taken back: Spoof the Transponders is pending again. Plot the Jump is free again.
Tzipora | I'll take sample the geysers | Taken back: Sample the Geysers is free again.
Biscuit | Release guard the refinery | Taken back: Guard the Refinery is with Biscuit again.
Tzipora | I'm busy | Taken back: Tzipora is offline again.
Biscuit | Delivered 150 SCU of copper for Copper Harvest | Taken back: Copper Harvest is at 20 percent again.
";

fn orders() -> Vec<[String; 3]> {
    let joined = ORDERS.replace("\n    |", " |");
    let lines = joined.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let parts: Vec<String> = line.split('|').map(|part| part.trim().to_owned()).collect();
            parts.try_into().unwrap()
        })
        .collect()
}

/// Says an order, with its "yes" where it has one.
async fn say(demo: &Demo, member: &str, order: &str) -> Run {
    let texts: Vec<&str> = order.split("; ").collect();
    demo.say(member, &texts).await
}

/// I-35: every order that changes something is taken back exactly: every column but the moment of change is as before.
#[tokio::test]
async fn every_order_is_taken_back_exactly() {
    let demo = Demo::new().await;
    let mut actions = BTreeSet::new();
    for [speaker, order, reply] in orders() {
        let before = rows(&demo).await;
        let run = say(&demo, &speaker, &order).await;
        let turn = run.turns().pop().unwrap();
        assert_eq!(turn["outcome"], "applied", "{order}: {turn}");
        assert_ne!(rows(&demo).await, before, "{order}");
        for command in turn["commands"].as_array().unwrap() {
            actions.insert(command["action"].as_str().unwrap().to_owned());
        }
        let undone = demo.say(&speaker, &["undo"]).await;
        expect(&undone, "applied", &reply);
        assert_eq!(undone.turn()["commands"][0]["action"], "undo");
        assert_eq!(rows(&demo).await, before, "{order}");
    }
    let changing = Action::ALL.iter().filter(|one| one.is_change() && **one != Action::GuildBroadcast);
    let changing: BTreeSet<String> = changing.map(|one| one.as_str().to_owned()).collect();
    assert_eq!(actions, changing);
}

/// A second undo steps further back, over everything that was done, and no further.
#[tokio::test]
async fn undo_steps_back_until_nothing_is_left() {
    let demo = Demo::new().await;
    let before = rows(&demo).await;
    let mine: Vec<_> = orders().into_iter().filter(|[speaker, ..]| speaker == ARCHON).collect();
    for [_, order, _] in &mine {
        let outcome = say(&demo, ARCHON, order).await.turns().pop().unwrap();
        assert_eq!(outcome["outcome"], "applied", "{order}: {outcome}");
    }
    let undone = demo.say(ARCHON, &vec!["take that back"; mine.len() + 2]).await;
    let turns = undone.turns();
    for turn in &turns[..mine.len()] {
        assert_eq!(turn["outcome"], "applied", "{turn}");
    }
    for turn in &turns[mine.len()..] {
        assert_eq!((&turn["outcome"], turn["reply"].as_str()), (&"answered".into(), Some(NOTHING)), "{turn}");
    }
    assert_eq!(rows(&demo).await, before);
    // Each knows which it took back, and the other way round.
    let listed = lines(&demo, ARCHON).await;
    let taken = listed.iter().filter(|one| !one["undoes"].is_null());
    for undo in taken.clone() {
        let order = listed.iter().find(|one| one["id"] == undo["undoes"]).unwrap();
        assert_eq!(order["undone_by"], undo["id"]);
        assert!(order["undone_at"].is_string());
    }
    assert_eq!(taken.count(), mine.len());
}

/// Status, metrics and progress move each other; they come out as they were even where nobody could order them so.
#[tokio::test]
async fn what_follows_by_itself_is_taken_back_too() {
    let demo = Demo::new().await;
    // A progress that its metrics do not say, and a full one that is not completed.
    keeper(
        &demo,
        "update objectives set progress = 77.7 where name = 'Copper Harvest';
        update objectives set progress = 100 where name = 'Ghost Convoy';
        update tasks set progress = 100 where name = 'Jam the Relay';
        update tasks set status = 'completed' where name = 'Scan the Belt';
        update objectives set status = 'completed' where name = 'Reclaimer Season'",
    )
    .await;
    let before = rows(&demo).await;
    for order in [
        "Delivered 10 SCU of copper for Copper Harvest",
        "Mark Copper Harvest as completed",
        "Mark Ghost Convoy as completed",
        "Report one for Ghost Convoy",
        "Mark task jam the relay as completed",
        "Mark task scan the belt as in progress",
        "Mark Reclaimer Season as active",
        "Mark Copper Harvest as completed and put Copper Harvest on hold and set Copper Harvest progress to 5 percent",
    ] {
        // An objective that is completed is read back first.
        let run = demo.say(ARCHON, &[order, "yes"]).await;
        assert!(run.turns().iter().any(|turn| turn["outcome"] == "applied"), "{order}: {run:?}");
        assert_ne!(rows(&demo).await, before, "{order}");
        let undone = demo.say(ARCHON, &["undo"]).await;
        assert_eq!(undone.turn()["outcome"], "applied", "{order}: {undone:?}");
        assert_eq!(rows(&demo).await, before, "{order}");
    }
}

/// What somebody changed since is left alone, and who it was is said; with the change gone it can be taken back.
#[tokio::test]
async fn what_somebody_changed_since_stays() {
    let demo = Demo::new().await;
    let start = rows(&demo).await;
    demo.say("Veshkar", &[ASSIGN]).await.expect(0, &[]);
    demo.say(ARCHON, &["Make jam the relay high priority"]).await.expect(0, &[]);
    let before = rows(&demo).await;
    let refused = demo.say("Veshkar", &["undo"]).await;
    let why = "Somebody changed it since: Isolde Marchetti changed Jam the Relay. Nothing was changed.";
    expect(&refused, "refused", why);
    assert_eq!(refused.code, 1);
    assert_eq!(rows(&demo).await, before);
    // The operator signs nothing.
    demo.say(ARCHON, &["undo"]).await.expect(0, &[]);
    keeper(&demo, "update tasks set phonetic = 'x' where name = 'Jam the Relay'").await;
    expect(
        &demo.say("Veshkar", &["undo"]).await,
        "refused",
        "Somebody changed Jam the Relay since. Nothing was changed.",
    );
    keeper(&demo, "update tasks set phonetic = null where name = 'Jam the Relay'").await;
    expect(&demo.say("Veshkar", &["undo"]).await, "applied", "Taken back: Jam the Relay is free again.");
    assert_eq!(rows(&demo).await, start);
}

/// J3, J4: who has lost the standing takes nothing back; what they no longer see is not named.
#[tokio::test]
async fn who_lost_the_standing_takes_nothing_back() {
    let demo = Demo::new().await;
    demo.say("Veshkar", &[ASSIGN]).await.expect(0, &[]);
    let lost = "Sorry, your rank no longer covers what you did then. Nothing was changed.";
    let marshal = "update users set rank = (select id from ranks where name = 'Marshal') where name = 'Veshkar'";
    for (change, back) in [
        ("update users set rank = (select id from ranks where name = 'Starhand') where name = 'Veshkar'", marshal),
        ("update users set rank = null where name = 'Veshkar'", marshal),
        (
            "update ranks set clearance = 'tactical' where name = 'Marshal'",
            "update ranks set clearance = 'classified' where name = 'Marshal'",
        ),
        (
            "update access_levels set user_actions = array_remove(user_actions, 'manage_ranks') where name = 'Roster'",
            "update access_levels set user_actions = user_actions || '{manage_ranks}' where name = 'Roster'",
        ),
        (
            "update ranks set hierarchy_level = hierarchy_level + 10",
            "update ranks set hierarchy_level = hierarchy_level - 10",
        ),
    ] {
        keeper(&demo, change).await;
        let before = rows(&demo).await;
        expect(&demo.say("Veshkar", &["undo"]).await, "refused", lost);
        assert_eq!(rows(&demo).await, before, "{change}");
        keeper(&demo, back).await;
    }
    // Changed since by somebody, and out of sight.
    keeper(&demo, "update objectives set applicable_rank = 'Archon' where name = 'Operation Glass Dagger'").await;
    demo.say(ARCHON, &["Make jam the relay high priority"]).await.expect(0, &[]);
    let run = demo.say("Veshkar", &["undo"]).await;
    expect(&run, "refused", "Somebody changed it since. Nothing was changed.");
    demo.say(ARCHON, &["undo"]).await.expect(0, &[]);
    expect(&demo.say("Veshkar", &["undo"]).await, "applied", "Your last change is taken back.");
    // A rank that stands too high by now is not given back.
    demo.say("Veshkar", &["Promote Tadhg to Starhand"]).await.expect(0, &[]);
    keeper(&demo, "update ranks set hierarchy_level = case name when 'Fledgling' then 1 when 'Archon' then 5 else hierarchy_level end").await;
    expect(&demo.say("Veshkar", &["undo"]).await, "refused", lost);
}

/// What was made is not removed under others' feet.
#[tokio::test]
async fn what_others_use_by_now_stays() {
    let demo = Demo::new().await;
    for (order, use_it, name) in [
        (
            "Create objective guard the embassy",
            "Create task watch the roof for objective Guard the embassy",
            "Guard the embassy",
        ),
        ("Create squad Iron Lantern", "Add Tadhg to squad Iron Lantern", "Iron Lantern"),
        ("Create objective polish the hulls", "Add category salvage to polish the hulls", "Polish the hulls"),
        ("Create squad Brass Bell", "Give objective First Light Survey to squad Brass Bell", "Brass Bell"),
    ] {
        let before = rows(&demo).await;
        demo.say("Veshkar", &[order]).await.expect(0, &[]);
        let made = demo.say(ARCHON, &[use_it]).await;
        assert_eq!(made.turn()["outcome"], "applied", "{made:?}");
        let used = rows(&demo).await;
        let reply = format!("Others use {name} by now. Nothing was changed.");
        expect(&demo.say("Veshkar", &["undo"]).await, "refused", &reply);
        assert_eq!(rows(&demo).await, used);
        demo.say(ARCHON, &["undo"]).await.expect(0, &[]);
        demo.say("Veshkar", &["undo"]).await.expect(0, &[]);
        assert_eq!(rows(&demo).await, before, "{order}");
    }
    // A name that is taken by now.
    demo.say("Veshkar", &["Disband squad Longhaul", "yes"]).await;
    demo.say(ARCHON, &["Create squad Longhaul"]).await.expect(0, &[]);
    let taken = rows(&demo).await;
    let reply = "That cannot be put back as it was any more. Nothing was changed.";
    expect(&demo.say("Veshkar", &["undo"]).await, "refused", reply);
    assert_eq!(rows(&demo).await, taken);
}

/// Two programs of the same member take back at the same moment: each something else, and nothing twice.
#[tokio::test]
async fn two_at_once_take_back_two() {
    let demo = Demo::new().await;
    let before = rows(&demo).await;
    for round in 0..6 {
        demo.say("Veshkar", &[ASSIGN, "Assign jam the relay to Bjornulf"]).await.expect(0, &[]);
        let (one, other) = tokio::join!(demo.say("Veshkar", &["undo"]), demo.say("Veshkar", &["undo"]));
        let mut replies: Vec<String> =
            [one, other].iter().map(|run| run.turn()["reply"].as_str().unwrap().to_owned()).collect();
        replies.sort();
        let wanted = ["Taken back: Jam the Relay is free again.", "Taken back: Jam the Relay is with Veshkar again."];
        assert_eq!(replies, wanted, "round {round}");
        assert_eq!(rows(&demo).await, before, "round {round}");
        expect(&demo.say("Veshkar", &["undo"]).await, "answered", NOTHING);
    }
}

/// I-35: a list of orders with "undo" in it that is sent again changes nothing, and a dry run takes nothing back.
#[tokio::test]
async fn undo_happens_once_and_not_in_a_dry_run() {
    let demo = Demo::new().await;
    let batch = ["undo", ASSIGN, "undo", "Make escort the dropship high priority"];
    let first = demo.say_with("Veshkar", &["--dry-run"], &[ASSIGN, "undo"]).await;
    expect(&first, "answered", NOTHING);
    let say = async || {
        let mut command = demo.program();
        command.args(["--json", "--as", "Veshkar", "say", "--batch", "night"]).args(batch);
        crate::support::demo::run(command).await
    };
    let first = say().await;
    let after = rows(&demo).await;
    let outcomes: Vec<_> = first.turns().iter().map(|one| one["outcome"].as_str().unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["answered", "applied", "applied", "applied"], "{first:?}");
    assert_eq!(row(&after, "tasks", "Escort the Dropship")["priority"], "high");
    let second = say().await;
    for (one, other) in first.turns().iter().zip(second.turns()) {
        assert_eq!((&one["outcome"], &one["reply"]), (&other["outcome"], &other["reply"]));
    }
    assert_eq!(rows(&demo).await, after);
    let dry = demo.say_with("Veshkar", &["--dry-run"], &["undo"]).await;
    expect(&dry, "applied", "Taken back: Escort the Dropship has medium priority again.");
    assert_eq!(rows(&demo).await, after);
    let several = demo.say("Veshkar", &["undo and assign jam the relay to Veshkar"]).await;
    assert_ne!(several.turn()["outcome"], "applied", "{several:?}");
    assert_eq!(rows(&demo).await, after);
    // What a client changed without the program is taken back too, once it has signed for it.
    let mut on = client(&demo, "Veshkar").await;
    sql(
        &mut on,
        "set timezone = 'Asia/Tokyo'; set extra_float_digits = -10;
        update objectives set progress = 33.333332, priority = 'low' where name = 'Copper Harvest';
        insert into squads (guild_id, name) select current_guild(), 'Brass Bell';
        select squad_disband(id) from squads where name = 'Brass Bell';
        select journal_write(gen_random_uuid(), 'own', 'w', false, 'local', '[]', 'applied', 'r'); commit",
    )
    .await
    .unwrap();
    assert_ne!(rows(&demo).await, after);
    demo.say("Veshkar", &["undo"]).await.expect(0, &[]);
    assert_eq!(rows(&demo).await, after);
}
