#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::path::Path;
use std::sync::LazyLock;

use uuid::Uuid;

use super::{Grammar, Scope, Verdict};
use crate::domain::Kind;
use crate::intent::{Action, Intent, Recent, fuzz_cases};
use crate::names::{Entry, Roster};

fn roster() -> Roster {
    let rows: &[(Kind, &str, Option<&str>)] = &[
        (Kind::Member, "Kestrel", Some("kes trul")),
        (Kind::Member, "Miguel Santoro", Some("mee gel san tor oh")),
        (Kind::Member, "D4rkst4r", Some("dark star")),
        (Kind::Member, "Puck", None),
        (Kind::Member, "Static", None),
        (Kind::Squad, "Anvil", None),
        (Kind::Squad, "Valkyrie Wing", None),
        (Kind::Rank, "NCO", Some("en see oh")),
        (Kind::Rank, "Officer", None),
        (Kind::Category, "Exploration", None),
        (Kind::Category, "Military", None),
        (Kind::Objective, "Operation Nightfall", None),
        (Kind::Objective, "Gold Rush", None),
        (Kind::Objective, "Trade Route Security", None),
        (Kind::Task, "Scout the Route", None),
        (Kind::Task, "Refuel the Carrack", None),
        (Kind::Task, "Disable the Turrets", None),
        (Kind::Task, "Set Up Beacons", None),
        (Kind::Task, "Patrol the Lane", None),
        (Kind::Task, "Deliver to Lorville", None),
    ];
    Roster::new(
        rows.iter()
            .map(|(kind, name, phonetic)| Entry {
                kind: *kind,
                id: Uuid::new_v4(),
                name: (*name).to_owned(),
                phonetic: phonetic.map(str::to_owned),
                hint: String::new(),
                parent: None,
                open: true,
            })
            .collect(),
    )
}

fn shown(intent: &Intent) -> String {
    let fields: Vec<String> =
        intent.fields.iter().map(|(field, words)| format!("{}={words}", field.as_str())).collect();
    format!("{} {}", intent.action.as_str(), fields.join(" ")).trim_end().to_owned()
}

/// The wordings as they are on the disk now.
static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/grammar.txt");
    Grammar::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
});
static ROSTER: LazyLock<Roster> = LazyLock::new(roster);

/// The words after what was last spoken of.
fn read_after(text: &str, recent: &[(Kind, &str)]) -> String {
    let called = ["UEE Commander".to_owned(), "you ee ee commander".to_owned(), "Aegis".to_owned()];
    let mut noted = Recent::default();
    recent.iter().for_each(|(kind, name)| noted.note(*kind, None, name));
    match GRAMMAR.read(text, &Scope { roster: &ROSTER, called: &called, recent: &noted }) {
        Verdict::Nothing => "nothing".to_owned(),
        Verdict::Declined(declined) => format!("{declined:?}").to_lowercase(),
        Verdict::Orders(reading) => {
            let all: Vec<String> = reading.intents.iter().map(shown).collect();
            let known = if reading.known { "" } else { "? " };
            let guessed = if reading.guessed { "~ " } else { "" };
            format!("{guessed}{known}{}", all.join("; "))
        }
    }
}

fn read(text: &str) -> String {
    read_after(text, &[])
}

mod kinds;

fn is_no_order(read: &str) -> bool {
    matches!(read, "nothing" | "negated" | "condition" | "takenback")
}

#[test]
fn the_shipped_wordings_can_be_read_and_cover_every_action() {
    let grammar = Grammar::built_in().unwrap();
    let worded = |action: &Action| grammar.rules.iter().any(|rule| rule.action == *action);
    let missing: Vec<&str> = Action::ALL.iter().filter(|one| !worded(one)).map(|one| one.as_str()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn orders_in_fixed_wording() {
    for (text, expected) in [
        (
            "Create objective collect five hundred S C U of gold.",
            "objective.create name=collect five hundred S C U of gold",
        ),
        (
            "Create objective escort the mining convoy with priority high.",
            "objective.create name=escort the mining convoy priority=high",
        ),
        (
            "New objective survey the asteroid belt for category exploration.",
            "objective.create name=survey the asteroid belt category=exploration",
        ),
        ("create objective cancel the blockade", "objective.create name=cancel the blockade"),
        ("Set priority of Gold Rush to critical.", "objective.set_priority objective=Gold Rush priority=critical"),
        ("Put Trade Route Security on hold.", "objective.set_status status=on hold objective=Trade Route Security"),
        ("Set Gold Rush progress to sixty percent.", "objective.set_progress objective=Gold Rush percent=sixty"),
        (
            "Progress on Operation Nightfall 75% complete.",
            "objective.set_progress objective=Operation Nightfall percent=75",
        ),
        (
            "Delivered two hundred S C U of gold for Gold Rush.",
            "objective.report amount=two hundred unit=S C U of gold objective=Gold Rush",
        ),
        ("Delivered 200 SCU of gold for Gold Rush", "objective.report amount=200 unit=SCU of gold objective=Gold Rush"),
        (
            "Update objective Trade Route Security, add brief, protect merchant vessels.",
            "objective.describe objective=Trade Route Security section=brief text=protect merchant vessels",
        ),
        (
            "Set the lead of Trade Route Security to Kestrel.",
            "objective.set_lead objective=Trade Route Security member=Kestrel",
        ),
        (
            "Give objective Trade Route Security to squad Valkyrie Wing.",
            "objective.set_squad objective=Trade Route Security squad=Valkyrie Wing",
        ),
        ("add category military to gold rush", "objective.add_category category=military objective=gold rush"),
        (
            "Create task plant the charges for objective Operation Nightfall.",
            "task.create name=plant the charges objective=Operation Nightfall",
        ),
        ("Assign task scout the route to Kestrel.", "task.assign task=scout the route member=Kestrel"),
        ("assign task scout the route to castrel", "task.assign task=scout the route member=castrel"),
        ("Please assign scout the route to Kestrel, thank you", "task.assign task=scout the route member=Kestrel"),
        (
            "Commander, could you please assign scout the route to Kestrel",
            "task.assign task=scout the route member=Kestrel",
        ),
        ("UEE Commander, assign scout the route to Kestrel, over", "task.assign task=scout the route member=Kestrel"),
        ("uh assign um scout the route to Kestrel", "task.assign task=scout the route member=Kestrel"),
        ("Assign set up beacons to Dark Star.", "task.assign task=set up beacons member=Dark Star"),
        ("Assign scout the route to squad Anvil.", "task.assign task=scout the route squad=Anvil"),
        ("I'll take scout the route.", "task.claim task=scout the route"),
        ("assign scout the route to me", "task.claim task=scout the route"),
        ("Release deliver to Lorville.", "task.release task=deliver to Lorville"),
        ("Mark task patrol the lane as completed.", "task.set_status task=patrol the lane status=completed"),
        ("Disable the turrets is in progress.", "task.set_status task=Disable the turrets status=in progress"),
        ("Patrol the lane is fifty percent done.", "task.set_progress task=Patrol the lane percent=fifty percent"),
        ("Make disable the turrets high priority.", "task.set_priority task=disable the turrets priority=high"),
        (
            "Schedule refuel the Carrack for thirty minutes from now.",
            "task.schedule task=refuel the Carrack start=thirty minutes from now",
        ),
        ("Set my availability to in game.", "member.set_availability availability=in game"),
        ("I'm busy.", "member.set_availability availability=busy"),
        ("Promote Puck to NCO.", "member.set_rank member=Puck rank=NCO"),
        ("Promote me to Officer.", "member.set_rank member=me rank=Officer"),
        ("Add Puck to squad Anvil.", "member.set_squad member=Puck squad=Anvil"),
        ("Create squad Iron Hand with lead Kestrel.", "squad.create name=Iron Hand lead=Kestrel"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

/// SQ3: leaving a squad, one's own or another member's; what leaves something else, tells of it or denies it is no order.
#[test]
fn leaving_a_squad() {
    let leave = |rest: &str| format!("member.set_squad text=leave {rest}").trim_end().to_owned();
    for (text, expected) in [
        ("Leave my squad.", leave("")),
        ("I'm leaving the squad.", leave("")),
        ("Commander, I want to leave my squad, please.", leave("")),
        ("I'm leaving squad Anvil.", leave("squad=Anvil")),
        ("Quit the Valkyrie Wing squad", leave("squad=Valkyrie Wing")),
        ("Remove me from Anvil.", leave("squad=Anvil")),
        ("Take me out of my squad", leave("")),
        ("Take Puck out of squad Anvil.", leave("member=Puck squad=Anvil")),
        ("Remove Puck from Valkyrie Wing", leave("member=Puck squad=Valkyrie Wing")),
        ("kick Static out of the squad", leave("member=Static")),
        ("I'm leaving.", "member.set_availability availability=offline".to_owned()),
        ("Delete the squad Anvil", "squad.disband squad=Anvil".to_owned()),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    for text in [
        "leave",
        "leave Anvil",
        "leave it",
        "leave the squad alone",
        "leave squad Anvil on station",
        "leave squad Anvil out of this",
        "I left my squad",
        "I left squad Anvil",
        "don't leave my squad",
        "I'm not leaving squad Anvil",
        "I might leave my squad",
        "leave my squad?",
        "leave my squad if Puck comes back",
        "Puck left squad Anvil",
        "Puck is leaving squad Anvil",
        "removed Puck from Anvil",
        "kicked Puck out of squad Anvil",
        "take Puck out",
        "take Puck out of the fight",
        "take Puck from Anvil",
        "take Puck from squad Anvil to Valkyrie Wing",
        "kick Puck out of squad Anvil tomorrow",
        "drop me off",
        "squad Anvil is leaving",
        "leave my squad, never mind",
        "do not take Puck out of squad Anvil",
    ] {
        // A squad that nobody knows is asked about.
        assert!(is_no_order(&read(text)) || read(text).starts_with("? "), "{text}: {}", read(text));
    }
}

#[test]
fn questions_in_fixed_wording() {
    for (text, expected) in [
        ("What objectives are available?", "ask.objectives"),
        ("Commander, what are my open tasks?", "ask.tasks member=me"),
        ("What is the status of Gold Rush?", "ask.objective objective=Gold Rush"),
        ("Who is in squad Anvil?", "ask.squad squad=Anvil"),
        ("What tasks are in Operation Nightfall?", "ask.tasks objective=Operation Nightfall"),
        ("What is the status of task scout the route", "ask.task task=scout the route"),
        (
            "Read me the classified section of Operation Nightfall.",
            "ask.objective section=classified objective=Operation Nightfall",
        ),
        ("Who is online?", "ask.members availability=online"),
        ("What can I say?", "ask.help"),
        ("who am i", "ask.me"),
        ("yes", "confirm"),
        ("never mind", "cancel"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn orders_that_were_misheard() {
    for (text, expected) in [
        ("Give refuel the Carracto Miguel Santoro", "task.assign task=refuel the Carracto member=Miguel Santoro"),
        ("a sign scout the route to Kestrel", "task.assign task=scout the route member=Kestrel"),
        ("Mark task patrol the lane is completed", "task.set_status task=patrol the lane status=completed"),
        ("Disable the Turrets as in progress.", "task.set_status task=Disable the Turrets status=in progress"),
        ("What tasks are an Operation Nightfall?", "ask.tasks objective=Operation Nightfall"),
        ("Add Puck to squat Anvil", "member.set_squad member=Puck squad=Anvil"),
        ("Create object of collect 500 SCU of gold", "objective.create name=collect 500 SCU of gold"),
        ("Set my availability to engage", "member.set_availability availability=in game"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn several_orders_in_one_breath() {
    for (text, expected) in [
        (
            "Mark scout the route as completed and assign refuel the Carrack to Puck.",
            "task.set_status task=scout the route status=completed; task.assign task=refuel the Carrack member=Puck",
        ),
        ("create objective escort and protect the convoy", "objective.create name=escort and protect the convoy"),
        (
            "start scout the route then put gold rush on hold and give set up beacons to Static",
            "task.set_status status=in progress task=scout the route; objective.set_status status=on hold \
             objective=gold rush; task.assign task=set up beacons member=Static",
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_lacks_a_piece_is_asked_about() {
    for (text, expected) in [
        ("Assign scout the route to Barnaby.", "? task.assign task=scout the route member=Barnaby"),
        ("Assign scout the route.", "task.assign task=scout the route"),
        ("Set progress to forty percent.", "objective.set_progress percent=forty"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_order_is_left_alone() {
    for text in [
        "I think I left the oven on.",
        "That was a great fight last night.",
        "don't assign scout the route to Kestrel",
        "never assign scout the route to Kestrel",
        "if Kestrel is online assign scout the route to Kestrel",
        "did Kestrel scout the route",
        "Kestrel",
        "the route to Lorville is full of pirates",
        "",
        "?!",
    ] {
        assert!(is_no_order(&read(text)), "{text}: {}", read(text));
    }
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    for (text, expected) in [
        ("task.fly\n  fly", "line 1: no action is called \"task.fly\""),
        ("task.claim\n  take {thing}", "line 2: no slot is called \"thing\""),
        ("task.claim\n  (take {task}", "line 2: a bracket is not closed"),
        ("  take {task}", "line 1: a wording before any action"),
        ("task.claim\n  [please]", "line 2: a wording needs at least one word that cannot be left out"),
    ] {
        assert_eq!(Grammar::parse(text).unwrap_err().to_string(), expected);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(fuzz_cases()))]
    #[test]
    fn any_words_are_survived(text in "\\PC{0,120}") {
        read(&text);
    }

    #[test]
    fn words_of_orders_in_any_order_are_survived(words in proptest::collection::vec(
        proptest::sample::select(vec!["assign", "scout the route", "to", "kestrel", "and", "mark", "done", "the", "set", "priority", "of"]), 0..24)) {
        read(&words.join(" "));
    }
}

/// What was once taken for an order and is none: negations and conditions beside a name, bare numbers, chatter with a
/// number in it, past forms, questions.
#[test]
fn what_only_looks_like_an_order_is_left_alone() {
    for text in [
        "assign not scout the route to Kestrel",
        "assign scout the route not to Kestrel",
        "mark the if patrol the lane as completed",
        "was patrol the lane completed",
        "patrol the lane at eight",
        "gold rush is 5",
        "move gold rush to eight",
        "ten minutes to gold rush",
        "one question for gold rush",
        "add 3 members to gold rush",
        "delivered 40 scu not for gold rush",
        "Promoted Puck to NCO",
        "Puck joined Anvil",
        "patrol the lane is done?",
        "Kestrel is busy?",
        "Static is on",
        "Puck is free",
        "start squad training",
        "open objective gold rush",
        "create objective steal the ship never mind",
        "Kestrel is on fire",
        "Puck has a problem",
        "patrol the lane is not done",
        "deliver to Lorville is Puck",
    ] {
        assert!(is_no_order(&read(text)), "{text}: {}", read(text));
    }
}

#[test]
fn radio_talk_is_taken_off_after_a_pause_or_when_nothing_else_fits() {
    for (text, expected) in [
        ("create objective take over", "objective.create name=take over"),
        ("create objective escort the convoy, over", "objective.create name=escort the convoy"),
        ("assign scout the route to Kestrel over", "task.assign task=scout the route member=Kestrel"),
        ("assign scout the route to Kestrel, UEE Commander", "task.assign task=scout the route member=Kestrel"),
        ("I'm busy, over and out", "member.set_availability availability=busy"),
        ("can you assign scout the route to Kestrel?", "task.assign task=scout the route member=Kestrel"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}
