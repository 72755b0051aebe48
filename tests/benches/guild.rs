//! The demo's guild, read from its file: the names that the stages work with.

use sphereconnect::demo;
use sphereconnect::domain::Kind;
use sphereconnect::guild_file::{self, Said};
use sphereconnect::names::{Entry, Roster};
use uuid::Uuid;

/// The demo guild's name.
pub const NAME: &str = "Perihelion Company";
/// One of its members, who may do everything.
pub const SPEAKER: &str = "Isolde Marchetti";
/// What its commander is called.
pub const CALLED: [&str; 2] = ["Overwatch", "over watch"];

/// A name as a turn would read it from the database.
pub fn entry(kind: Kind, name: &str, phonetic: Option<&str>) -> Entry {
    let (name, phonetic) = (name.to_owned(), phonetic.map(str::to_owned));
    Entry { kind, id: Uuid::new_v4(), name, phonetic, hint: String::new(), parent: None, open: true }
}

/// Every name of the demo guild.
pub fn roster() -> Roster {
    let file = guild_file::parse(demo::GUILD).unwrap();
    let mut entries = Vec::new();
    let mut add = |kind, name: &str, phonetic: &Said<String>| {
        let phonetic = if let Said::To(said) = phonetic { Some(said.as_str()) } else { None };
        entries.push(entry(kind, name, phonetic));
    };
    file.members.iter().for_each(|one| add(Kind::Member, one.name.as_str(), &one.phonetic));
    file.squads.iter().for_each(|one| add(Kind::Squad, one.name.as_str(), &one.phonetic));
    file.ranks.iter().for_each(|one| add(Kind::Rank, one.name.as_str(), &one.phonetic));
    file.categories.iter().for_each(|one| add(Kind::Category, one.name.as_str(), &one.phonetic));
    for objective in &file.objectives {
        add(Kind::Objective, objective.name.as_str(), &objective.phonetic);
        objective.tasks.iter().for_each(|one| add(Kind::Task, one.name.as_str(), &one.phonetic));
    }
    Roster::new(entries)
}
