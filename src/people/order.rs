//! Pure: commands of the command line → one shape for all of them.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{Access, Category, Commander, Rank, RankPieces, Roll, Squad};
use crate::domain::{Availability, Clearance, Name, TEXT_CHARS_MAX};
use crate::guild_file::{PHONETIC_CHARS_MAX, USER_ACTIONS, suggestion};
use crate::store::PeopleKind;
use crate::store::people_kinds::{ACCESS, CATEGORY, COMMANDER, MEMBER, RANK, SQUAD};

/// The word for no rank, squad, lead or syllables.
const NONE: &str = "none";

/// What is to be done with what.
pub struct Order {
    pub(super) kind: &'static PeopleKind,
    /// The action's name in JSON and in the journal.
    pub(super) action: &'static str,
    pub(super) what: What,
}

pub(super) enum What {
    List,
    Add(String, Vec<Piece>),
    Change(String, Vec<Piece>),
    Remove(String),
    /// The one commander of the guild.
    Commander(Vec<Piece>),
}

/// One thing that was said of it.
pub(super) struct Piece {
    pub(super) column: &'static str,
    /// The key in JSON, and its word in a sentence.
    pub(super) label: &'static str,
    pub(super) said: Said,
}

pub(super) enum Said {
    Value(Value),
    /// A text that has to be something.
    Checked(fn(&str) -> Result<Value, String>, String),
    /// The name of another thing.
    One(&'static PeopleKind, String),
    /// The names of other things.
    Many(&'static PeopleKind, Vec<String>),
}

impl Piece {
    fn new(column: &'static str, label: &'static str, said: Said) -> Self {
        Self { column, label, said }
    }

    /// A reference to another thing, or to none.
    fn to(column: &'static str, label: &'static str, kind: &'static PeopleKind, name: String) -> Self {
        let none = name.trim().eq_ignore_ascii_case(NONE);
        Self::new(column, label, if none { Said::Value(Value::Null) } else { Said::One(kind, name) })
    }

    fn name(new: String) -> Self {
        Self::new("name", "name", Said::Checked(name, new))
    }

    fn phonetic(syllables: String) -> Self {
        Self::new("phonetic", "phonetic", Said::Checked(phonetic, syllables))
    }
}

fn order(kind: &'static PeopleKind, action: &'static str, what: What) -> Order {
    Order { kind, action, what }
}

fn list(kind: &'static PeopleKind) -> Order {
    order(kind, "", What::List)
}

fn rename(kind: &'static PeopleKind, action: &'static str, name: String, new: String) -> Order {
    order(kind, action, What::Change(name, vec![Piece::name(new)]))
}

impl From<Roll> for Order {
    fn from(command: Roll) -> Self {
        let change = |action, name, piece| order(&MEMBER, action, What::Change(name, vec![piece]));
        match command {
            Roll::List => list(&MEMBER),
            Roll::Add { name, rank, squad, phonetic } => {
                let rank = rank.map(|rank| Piece::to("rank", "rank", &RANK, rank));
                let squad = squad.map(|squad| Piece::to("squad_id", "squad", &SQUAD, squad));
                let pieces = rank.into_iter().chain(squad).chain(phonetic.map(Piece::phonetic)).collect();
                order(&MEMBER, "member.add", What::Add(name, pieces))
            }
            Roll::Rename { name, new } => rename(&MEMBER, "member.rename", name, new),
            Roll::Remove { name } => order(&MEMBER, "member.remove", What::Remove(name)),
            Roll::Rank { name, rank } => change("member.set_rank", name, Piece::to("rank", "rank", &RANK, rank)),
            Roll::Squad { name, squad } => {
                change("member.set_squad", name, Piece::to("squad_id", "squad", &SQUAD, squad))
            }
            Roll::Availability { name, availability: word } => {
                let piece = Piece::new("availability", "availability", Said::Checked(availability, word));
                change("member.set_availability", name, piece)
            }
            Roll::Phonetic { name, phonetic } => change("member.set_phonetic", name, Piece::phonetic(phonetic)),
        }
    }
}

impl From<Squad> for Order {
    fn from(command: Squad) -> Self {
        match command {
            Squad::List => list(&SQUAD),
            Squad::Create { name, lead, phonetic } => {
                let lead = lead.map(|lead| Piece::to("squad_lead", "lead", &MEMBER, lead));
                let pieces = lead.into_iter().chain(phonetic.map(Piece::phonetic)).collect();
                order(&SQUAD, "squad.create", What::Add(name, pieces))
            }
            Squad::Rename { name, new } => rename(&SQUAD, "squad.rename", name, new),
            Squad::Lead { name, lead } => {
                let lead = Piece::to("squad_lead", "member", &MEMBER, lead);
                order(&SQUAD, "squad.set_lead", What::Change(name, vec![lead]))
            }
            Squad::Disband { name } => order(&SQUAD, "squad.disband", What::Remove(name)),
        }
    }
}

impl From<Rank> for Order {
    fn from(command: Rank) -> Self {
        let level = |level: i32| Piece::new("hierarchy_level", "level", Said::Value(json!(level)));
        match command {
            Rank::List => list(&RANK),
            Rank::Add { name, level: place, pieces } => {
                let pieces = std::iter::once(level(place)).chain(rank_pieces(pieces)).collect();
                order(&RANK, "rank.add", What::Add(name, pieces))
            }
            Rank::Set { name, new, level: place, pieces } => {
                let new = new.map(Piece::name).into_iter();
                let pieces = new.chain(place.map(level)).chain(rank_pieces(pieces)).collect();
                order(&RANK, "rank.set", What::Change(name, pieces))
            }
            Rank::Remove { name } => order(&RANK, "rank.remove", What::Remove(name)),
        }
    }
}

fn rank_pieces(pieces: RankPieces) -> impl Iterator<Item = Piece> {
    let clearance = pieces.clearance.map(|word| Piece::new("clearance", "clearance", Said::Checked(clearance, word)));
    let access = pieces.access.map(|all| Piece::new("access_levels", "access", Said::Many(&ACCESS, listed(&all))));
    clearance.into_iter().chain(access).chain(pieces.phonetic.map(Piece::phonetic))
}

impl From<Category> for Order {
    fn from(command: Category) -> Self {
        match command {
            Category::List => list(&CATEGORY),
            Category::Add { name, description, phonetic } => {
                let description =
                    description.map(|words| Piece::new("description", "description", Said::Checked(text, words)));
                let pieces = description.into_iter().chain(phonetic.map(Piece::phonetic)).collect();
                order(&CATEGORY, "category.add", What::Add(name, pieces))
            }
            Category::Rename { name, new } => rename(&CATEGORY, "category.rename", name, new),
            Category::Remove { name } => order(&CATEGORY, "category.remove", What::Remove(name)),
        }
    }
}

impl From<Access> for Order {
    fn from(command: Access) -> Self {
        let grants = |all| Piece::new("user_actions", "actions", Said::Checked(actions, all));
        match command {
            Access::List => list(&ACCESS),
            Access::Add { name, actions } => order(&ACCESS, "access.add", What::Add(name, vec![grants(actions)])),
            Access::Set { name, actions, new } => {
                let pieces = new.map(Piece::name).into_iter().chain(actions.map(grants)).collect();
                order(&ACCESS, "access.set", What::Change(name, pieces))
            }
            Access::Remove { name } => order(&ACCESS, "access.remove", What::Remove(name)),
        }
    }
}

impl From<Commander> for Order {
    fn from(command: Commander) -> Self {
        let Commander::Set { name, phonetic, system_prompt, user_prompt } = command else { return list(&COMMANDER) };
        let file = |path: std::path::PathBuf| Said::Checked(file_text, path.to_string_lossy().into_owned());
        let system = system_prompt.map(|path| Piece::new("system_prompt", "system_prompt", file(path)));
        let user = user_prompt.map(|path| Piece::new("user_prompt", "user_prompt", file(path)));
        let pieces = name.map(Piece::name).into_iter().chain(phonetic.map(Piece::phonetic));
        order(&COMMANDER, "commander.set", What::Commander(pieces.chain(system).chain(user).collect()))
    }
}

/// The entries of a list with commas between them.
fn listed(all: &str) -> Vec<String> {
    all.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

pub(super) fn name(new: &str) -> Result<Value, String> {
    Name::new(new).map(|name| json!(name.as_str())).map_err(|error| format!("\"{new}\" is no name: {error}"))
}

fn phonetic(syllables: &str) -> Result<Value, String> {
    let syllables = syllables.trim();
    if syllables.eq_ignore_ascii_case(NONE) || syllables.is_empty() {
        return Ok(Value::Null);
    }
    let fits = syllables.chars().count() <= PHONETIC_CHARS_MAX && !syllables.chars().any(char::is_control);
    fits.then(|| json!(syllables))
        .ok_or_else(|| format!("syllables are one line of at most {PHONETIC_CHARS_MAX} characters"))
}

fn text(words: &str) -> Result<Value, String> {
    let fits = words.chars().count() <= TEXT_CHARS_MAX && !words.contains('\0');
    fits.then(|| json!(words.trim()))
        .ok_or_else(|| format!("a text has at most {TEXT_CHARS_MAX} characters, none of them zero"))
}

fn file_text(path: &str) -> Result<Value, String> {
    let read = std::fs::read_to_string(Path::new(path));
    let words = read.map_err(|error| format!("cannot read {path}: {error}"))?;
    text(words.trim()).map_err(|problem| format!("{path}: {problem}"))
}

fn availability(word: &str) -> Result<Value, String> {
    let known = Availability::parse(&word.trim().to_lowercase().replace([' ', '-'], "_"));
    known
        .map(|one| json!(one.as_str()))
        .ok_or_else(|| not_one_of(word, Availability::ALL.iter().map(|one| one.as_str())))
}

fn clearance(word: &str) -> Result<Value, String> {
    let known = Clearance::parse(&word.trim().to_lowercase());
    known.map(|one| json!(one.as_str())).ok_or_else(|| not_one_of(word, Clearance::ALL.iter().map(|one| one.as_str())))
}

/// Actions in the order in which they are always written, each once.
fn actions(all: &str) -> Result<Value, String> {
    let wanted = listed(all);
    if let Some(unknown) = wanted.iter().find(|one| !USER_ACTIONS.contains(&one.as_str())) {
        let near = suggestion(unknown, USER_ACTIONS.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(format!("\"{unknown}\" is no action{near} There are {}", USER_ACTIONS.join(", ")));
    }
    Ok(json!(USER_ACTIONS.iter().filter(|one| wanted.iter().any(|other| other == *one)).collect::<Vec<_>>()))
}

fn not_one_of<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    format!("\"{word}\" is none of {}", known.collect::<Vec<_>>().join(", "))
}
