use uuid::Uuid;

use super::{Entry, Lookup, Match, Roster};
use crate::domain::Kind;

fn roster() -> Roster {
    let rows: &[(Kind, &str, Option<&str>)] = &[
        (Kind::Member, "Kestrel", Some("kes trul")),
        (Kind::Member, "Thessaly", Some("thess uh lee")),
        (Kind::Member, "Aoife Brannigan", Some("ee fa bran i gan")),
        (Kind::Member, "D4rkst4r", Some("dark star")),
        (Kind::Member, "xX_R4ven_Xx", None),
        (Kind::Member, "Corvin", None),
        (Kind::Member, "Corwin", None),
        (Kind::Member, "Nguyen", Some("win; en goo yen")),
        (Kind::Member, "Yrsa", Some("ur sa")),
        (Kind::Member, "Zoë", Some("ipa:ˈzoʊi")),
        (Kind::Squad, "Anvil", None),
        (Kind::Objective, "Operation Nightfall", None),
        (Kind::Task, "Scout the Route", None),
        (Kind::Task, "Refuel the Carrack", None),
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

fn check(kind: Kind, words: &str, expected: &str) {
    let roster = roster();
    let found = match roster.resolve(kind, words) {
        Match::Unknown(_) => "unknown".to_owned(),
        Match::One(one) => one.entry.name.clone(),
        Match::Several(many) => many.iter().map(|one| one.entry.name.as_str()).collect::<Vec<_>>().join(" or "),
    };
    assert_eq!(found, expected, "{words}");
}

#[test]
fn names_as_they_are_heard() {
    for (kind, words, expected) in [
        (Kind::Member, "Kestrel", "Kestrel"),
        (Kind::Member, "castrel", "Kestrel"),
        (Kind::Member, "Kestral", "Kestrel"),
        (Kind::Member, "Thessily", "Thessaly"),
        (Kind::Member, "Thessalie", "Thessaly"),
        (Kind::Member, "Dark Star", "D4rkst4r"),
        (Kind::Member, "Darkstar", "D4rkst4r"),
        (Kind::Member, "raven", "xX_R4ven_Xx"),
        (Kind::Member, "ifa", "Aoife Brannigan"),
        (Kind::Member, "Brannigan", "Aoife Brannigan"),
        (Kind::Member, "Eva Brannigan", "Aoife Brannigan"),
        (Kind::Member, "win", "Nguyen"),
        (Kind::Member, "Ursa", "Yrsa"),
        (Kind::Member, "Zoe", "Zoë"),
        (Kind::Member, "Corvin", "Corvin"),
        (Kind::Member, "Corbin", "Corvin or Corwin"),
        (Kind::Member, "Barnaby", "unknown"),
        (Kind::Member, "everyone", "unknown"),
        (Kind::Member, "", "unknown"),
        (Kind::Squad, "anvil", "Anvil"),
        (Kind::Objective, "Nightfall", "Operation Nightfall"),
        (Kind::Objective, "operation night fall", "Operation Nightfall"),
        (Kind::Task, "the Carrack", "Refuel the Carrack"),
        (Kind::Task, "the route", "unknown"),
        (Kind::Task, "scout route", "Scout the Route"),
        (Kind::Task, "refuel the Carrick", "Refuel the Carrack"),
        (Kind::Task, "refuel the character", "Refuel the Carrack"),
    ] {
        check(kind, words, expected);
    }
}

#[test]
fn names_in_running_words() {
    let roster = roster();
    for (words, expected) in [
        ("assign scout the route to castrel", "Scout the Route, Kestrel"),
        ("what a night this was", ""),
        ("i want to win", "Nguyen"),
        ("tell dark star about night fall", "D4rkst4r, Operation Nightfall"),
        ("", ""),
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let found: Vec<&str> = roster.spot(&words).iter().map(|one| one.candidate.entry.name.as_str()).collect();
        assert_eq!(found.join(", "), expected, "{words:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_words_are_survived(text in "\\PC{0,80}") {
        let roster = roster();
        let _ = roster.resolve(Kind::Member, &text);
        let words: Vec<&str> = text.split_whitespace().collect();
        let _ = roster.spot(&words);
    }

    #[test]
    fn an_exact_name_always_wins(at in 0_usize..14) {
        let roster = roster();
        let entry = &roster.entries()[at];
        match roster.resolve(entry.kind, &entry.name) {
            Match::One(one) => proptest::prop_assert_eq!(one.entry.id, entry.id),
            other => proptest::prop_assert!(false, "{:?}", other),
        }
    }
}

/// Words beside one another sound as they do in one go: what the calibration was made with.
#[test]
fn words_sound_together_as_in_one_go() {
    for words in ["operation nightfall", "d4rk kestrel", "x x q s", "mark 44 forty", "the tie g", "anna a apple"] {
        let plain = super::text::plain_words(words);
        let together = super::form::Sounding::new(words);
        assert_eq!(super::sound::signs(&together.phones), super::sounds(words), "{words}");
        assert_eq!(together.squashed, plain.concat());
    }
}

#[test]
fn an_utterance_is_looked_up_as_each_run_by_itself() {
    let roster = roster();
    for text in [
        "assign the scout the route task to sergeant castrel",
        "the the anvil squad",
        "a raven of operation night fall",
        "what tasks are an operation nightfall",
        "member thess a lee of corvin's",
        "",
    ] {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let lookup = Lookup::new(&roster, &words, 9);
        for start in 0..words.len() {
            for end in start + 1..=(start + 9).min(words.len()) {
                for kind in [Kind::Member, Kind::Rank, Kind::Task, Kind::Squad, Kind::Objective] {
                    let by_itself = format!("{:?}", roster.resolve(kind, &words[start..end].join(" ")));
                    let together = format!("{:?}", lookup.resolve(kind, start..end));
                    assert_eq!(together, by_itself, "{kind:?} in {:?}", &words[start..end]);
                }
            }
        }
        assert!(matches!(lookup.resolve(Kind::Member, 0..10), Match::Unknown(none) if none.is_empty()));
    }
}
