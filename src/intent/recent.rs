//! Pure: what was last spoken of, so that "it", "that task" and "him" have a meaning.

use uuid::Uuid;

use crate::domain::Kind;

/// How many things are remembered.
pub const REMEMBERED_MAX: usize = 12;

/// Words for what was last spoken of, if it is no member.
const THINGS: &[&str] = &[
    "it",
    "its",
    "this",
    "that",
    "that one",
    "this one",
    "the same",
    "same one",
    "the same one",
    "the same thing",
    "that thing",
    "this thing",
];
/// Words for the member who was last spoken of.
const PEOPLE: &[&str] = &[
    "him",
    "her",
    "them",
    "he",
    "she",
    "they",
    "his",
    "their",
    "himself",
    "herself",
    "themselves",
    "this member",
    "that member",
    "the same member",
    "that pilot",
    "the same pilot",
    "that guy",
];
/// Words that point back, before the word for a kind.
const POINTING: &[&str] = &["that", "this", "the same", "same", "the", "said"];

/// Something that was spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// What it is.
    pub kind: Kind,
    /// Where it is stored; `None` for what was only just made.
    pub id: Option<Uuid>,
    /// How it is called.
    pub name: String,
}

/// What was last spoken of, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    noted: Vec<Noted>,
}

impl Recent {
    /// Remembers something as the newest.
    pub fn note(&mut self, kind: Kind, id: Option<Uuid>, name: &str) {
        self.noted.retain(|one| one.kind != kind || one.name != name);
        self.noted.insert(0, Noted { kind, id, name: name.to_owned() });
        self.noted.truncate(REMEMBERED_MAX);
    }

    /// The newest of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&Noted> {
        self.noted.iter().find(|one| one.kind == kind)
    }

    /// The newest objective, task or squad: what "it" means.
    #[must_use]
    pub fn it(&self) -> Option<&Noted> {
        self.noted.iter().find(|one| matches!(one.kind, Kind::Objective | Kind::Task | Kind::Squad))
    }

    /// What the words mean where something of a kind is expected; `None` for words that point at nothing.
    #[must_use]
    pub fn find(&self, kind: Kind, words: &str) -> Option<&Noted> {
        match points(kind, words)? {
            Points::Kind => self.of(kind),
            Points::Anything => self.it().filter(|one| one.kind == kind),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Points {
    /// "that task"
    Kind,
    /// "it"
    Anything,
}

/// Whether the words point back at something of a kind, whatever it is.
#[must_use]
pub fn is_pointing(kind: Kind, words: &str) -> bool {
    points(kind, words).is_some()
}

fn points(kind: Kind, words: &str) -> Option<Points> {
    let lower = words.trim().to_lowercase();
    if kind == Kind::Member {
        return PEOPLE.contains(&lower.as_str()).then_some(Points::Kind);
    }
    if THINGS.contains(&lower.as_str()) {
        return Some(Points::Anything);
    }
    let nouns: &[&str] = match kind {
        Kind::Task => &["task", "job"],
        Kind::Objective => &["objective", "mission", "operation"],
        Kind::Squad => &["squad", "team", "wing"],
        _ => return None,
    };
    let (pointing, noun) = lower.rsplit_once(' ')?;
    // "one" says nothing: "that task one".
    (nouns.contains(&noun) && POINTING.contains(&pointing)).then_some(Points::Kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_point_back_find_the_newest_that_fits() {
        let mut recent = Recent::default();
        assert!(recent.find(Kind::Task, "it").is_none());
        for (kind, name) in [(Kind::Objective, "Gold Rush"), (Kind::Task, "Scout the Route"), (Kind::Member, "Mako")] {
            recent.note(kind, None, name);
        }
        for (kind, words, name) in [
            (Kind::Task, "it", Some("Scout the Route")),
            (Kind::Objective, "it", None),
            (Kind::Objective, "that objective", Some("Gold Rush")),
            (Kind::Task, "The same task", Some("Scout the Route")),
            (Kind::Member, "him", Some("Mako")),
            (Kind::Member, "it", None),
            (Kind::Squad, "that squad", None),
            (Kind::Task, "some task", None),
        ] {
            assert_eq!(recent.find(kind, words).map(|one| one.name.as_str()), name, "{words}");
        }
        recent.note(Kind::Objective, None, "Gold Rush");
        assert_eq!(recent.it().map(|one| one.name.as_str()), Some("Gold Rush"));
        assert_eq!(recent.noted.len(), 3, "noted again, it is not there twice");
    }

    #[test]
    fn only_so_much_is_remembered() {
        let mut recent = Recent::default();
        for number in 0..REMEMBERED_MAX * 2 {
            recent.note(Kind::Task, None, &number.to_string());
        }
        assert_eq!(recent.noted.len(), REMEMBERED_MAX);
    }
}
