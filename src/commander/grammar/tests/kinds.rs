//! Every kind of wording, what is none, and random words.

use std::path::Path;

use super::super::{Grammar, Scope};
use super::{GRAMMAR, ROSTER, is_no_order, read, read_after, shown};
use crate::domain::Kind;
use crate::intent::{Recent, fuzz_cases};

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// Chatter, stories, what is denied and what hangs on a condition: no order comes of any of it.
#[test]
fn no_order_comes_of_what_is_none() {
    const ORDERS: [&str; 13] = [
        "assign scout the route to Puck",
        "put Gold Rush on hold",
        "mark patrol the lane as completed",
        "set Gold Rush to fifty percent",
        "promote Puck to Officer",
        "disband squad Anvil",
        "cancel objective Gold Rush",
        "add Static to squad Anvil",
        "release patrol the lane",
        "take set up beacons",
        "set the priority of scout the route to high",
        "make Kestrel the lead of Gold Rush",
        "schedule scout the route for tomorrow at noon",
    ];
    let text = fixture("chatter.txt");
    let (whole, frames) = text.split_once("---\n").unwrap();
    let whole = whole.lines().filter(|line| !line.starts_with('#')).map(str::to_owned);
    let framed = frames.lines().flat_map(|frame| ORDERS.iter().map(move |order| frame.replace("{}", order)));
    let all: Vec<String> = whole.chain(framed).collect();
    assert!(all.len() > 400, "{} sentences", all.len());
    let recent = [(Kind::Objective, "Gold Rush"), (Kind::Task, "Scout the Route"), (Kind::Member, "Puck")];
    let taken = |text: &String| {
        let reads = [read(text), read_after(text, &recent)];
        // A question about the guild, or one that asks for a name, changes nothing.
        let harmless =
            |read: &String| is_no_order(read) || read.starts_with("? ") || read.starts_with("ask.") || read == "deny";
        reads.into_iter().find(|read| !harmless(read)).map(|read| format!("{text} => {read}"))
    };
    let wrong: Vec<String> = all.iter().filter_map(taken).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// Words of orders, of names and of numbers in any order: whatever comes of them has an order's word in it.
#[test]
fn random_words_make_no_order_without_an_orders_word() {
    const WORDS: &[&str] = &[
        "the",
        "a",
        "of",
        "for",
        "and",
        "route",
        "scout the route",
        "gold rush",
        "kestrel",
        "puck",
        "anvil",
        "officer",
        "seventy",
        "percent",
        "high",
        "five hundred",
        "tomorrow",
        "at eight",
        "it",
        "him",
        "no",
        "sorry",
        "if",
        "when",
        "carrack",
        "nightfall",
        "static",
        "exploration",
        "priority",
        "squad",
        "task",
        "objective",
        "please",
        "aegis",
    ];
    const TELLING: &[&str] = &["percent", "priority", "high", "aegis"];
    let mut runner =
        proptest::test_runner::TestRunner::new(proptest::prelude::ProptestConfig::with_cases(fuzz_cases()));
    let words = proptest::collection::vec(proptest::sample::select(WORDS), 0..10);
    let tried = runner.run(&words, |words| {
        let read = read(&words.join(" "));
        let changes =
            !is_no_order(&read) && !["?", "~", "ask.", "confirm", "deny"].iter().any(|one| read.starts_with(one));
        // "Gold rush seventy percent" and "scout the route high priority" are statements.
        proptest::prop_assert!(!changes || words.iter().any(|word| TELLING.contains(word)), "{:?} {}", words, read);
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn an_utterance_is_addressed_by_the_commanders_name_at_its_beginning_or_end() {
    let called = ["UEE Commander".to_owned(), "you ee ee commander".to_owned(), "Aegis".to_owned()];
    for (text, expected) in [
        ("Aegis, put Gold Rush on hold.", true),
        ("Hey Aegis what are my tasks", true),
        ("Put Gold Rush on hold, Aegis.", true),
        ("Egis, put Gold Rush on hold", true),
        ("Put Gold Rush on hold, Aegis, over.", true),
        ("You E E Commander, status of Gold Rush", true),
        ("Put Gold Rush on hold.", false),
        ("I told Aegis to put Gold Rush on hold", false),
        ("Kestrel, do you read", false),
        ("", false),
    ] {
        assert_eq!(GRAMMAR.is_addressed(text, &called), expected, "{text}");
    }
}

#[test]
fn a_guilds_own_wordings_are_read_beside_those_that_ship() {
    let own = "@let yeet = (yeet|chuck)\ntask.release\n  <yeet> {task}\n  <nope> {task}\nsquad.fly\n  fly {squad}\n";
    let (grammar, problems) = Grammar::with_own(own).unwrap();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "line 4: no piece is called <nope>; write @let nope = … above",
            "line 5: no action is called \"squad.fly\"",
            "line 6: a wording before any action",
        ]
    );
    let recent = Recent::default();
    let scope = Scope { roster: &ROSTER, called: &[], recent: &recent };
    let reading = grammar.read("yeet patrol the lane", &scope).reading().unwrap();
    assert_eq!(shown(&reading.intents[0]), "task.release task=patrol the lane");
}

/// Sentences of every kind, each with the orders that are in it.
#[test]
fn every_kind_of_wording() {
    let rows = fixture("wordings.txt");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (at, line) in rows.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (said, expected) = line.split_once(" => ").unwrap();
        // "[task Scout the Route] give it to Puck": what was last spoken of goes before.
        let (spoken_of, said) = said.strip_prefix('[').map_or(("", said), |rest| rest.split_once("] ").unwrap());
        let noted: Vec<(Kind, &str)> = spoken_of
            .split("; ")
            .filter_map(|one| one.split_once(' '))
            .map(|(kind, name)| (Kind::ALL.iter().copied().find(|one| one.as_str() == kind).unwrap(), name))
            .collect();
        let read = read_after(said, &noted);
        count += 1;
        if read != expected {
            wrong.push(format!("line {}: {said}\n  wanted {expected:?}\n  came   {read:?}", at + 1));
        }
    }
    assert!(count > 111, "{count} sentences");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
