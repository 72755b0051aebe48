//! The first half of the guide: the database, the guild in it, and who speaks.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::ask::{Question, choice};
use super::file::Change;
use super::{Guide, SetupError};
use crate::domain::Name;
use crate::guild_file::{self, GuildFile, Said, suggestion};
use crate::parts::{self, Failure};
use crate::store::{Store, embedded};
use crate::{demo, show};

/// Guilds and members that are listed; more are only counted.
const LISTED_MAX: usize = 12;
/// What the first guild of a player is called who names none.
const GUILD_NAME: &str = "My Guild";
/// What a player is called whose account has no name that could be said.
const LEADER_NAME: &str = "Captain";
/// A guild to begin with; its names are put in where the capitals stand.
const NEW_GUILD: &str = include_str!("new_guild.toml");

/// Which guild it is to be.
#[derive(Debug)]
pub(super) struct Chosen {
    /// What it is called.
    pub name: String,
    /// What is known of it; nothing on a server that lists no guilds to this login.
    pub file: Option<GuildFile>,
    /// Whether it is brought in with the settings.
    pub import: bool,
}

impl Guide<'_> {
    /// Asks where the database is. One that does not exist yet is made at the end.
    pub(super) async fn database(&mut self) -> Result<Option<Arc<Store>>, Failure> {
        self.ask.say("\n1 Database");
        if std::env::var("SPHERECONNECT_DATABASE_URL").is_ok_and(|url| !url.is_empty()) {
            self.ask.say("  SPHERECONNECT_DATABASE_URL names a server, which is used");
            let store = parts::store(&self.config).await?;
            return Ok(Some(store));
        }
        let own = self.config.data_dir.display().to_string();
        self.ask.say(format_args!("  embedded: a private PostgreSQL that the program runs for itself, in {own}"));
        self.ask.say("  or the address of your guild's server: postgres://user:password@host/database");
        let known = self.config.database.url.clone();
        if known.is_some() {
            self.ask.say("  or the server that the settings name: current");
        }
        let default = if known.is_some() { "current" } else { "embedded" };
        let (text, given) = ("embedded or an address", self.answers.database.as_deref());
        let question = Question { text, default, option: "--database", given };
        let mut config = self.config.clone();
        let tried = self.ask.ask(&question, async |answer: &str| {
            let change = match answer {
                "current" if known.is_some() => None,
                "embedded" => Some(""),
                url if url.starts_with("postgres://") || url.starts_with("postgresql://") => Some(url),
                _ => return Err("write embedded, or an address that begins with postgres://".to_owned()),
            };
            config.database.url = match change {
                None => known.clone(),
                Some(url) => Some(url).filter(|url| !url.is_empty()).map(SecretString::from),
            };
            let change = change.map(|url| Change::text("database", "url", url));
            if config.database.url.is_none() && !embedded::is_made(&config.data_dir) {
                return Ok((change, None));
            }
            let store = parts::store(&config).await.map_err(|failure| format!("{:#}", failure.error))?;
            Ok((change, Some(store)))
        });
        let (change, store) = tried.await?;
        // What is left out is embedded already.
        let is_news = |change: &Change| known.is_some() || *change != Change::text("database", "url", "");
        self.changes.extend(change.filter(is_news));
        self.config = config;
        match &store {
            Some(store) => {
                let status = store.status().await?;
                self.ask.say(format_args!("  PostgreSQL {} answers", status.version));
            }
            None => self.ask.say("  it is made when the settings are written"),
        }
        Ok(store)
    }

    /// Asks which guild.
    pub(super) async fn guild(&mut self, store: Option<&Store>) -> Result<Chosen, Failure> {
        self.ask.say("\n2 Guild");
        if store.is_none_or(Store::is_keeper) {
            return self.own_guild(store).await;
        }
        self.ask.say("  this login may not list the server's guilds");
        let (text, default) = ("its name", self.config.guild.clone().unwrap_or_default());
        let given = self.global.guild.as_deref();
        let question = Question { text, default: &default, option: "--guild", given };
        let name = self.ask.ask(&question, async |answer: &str| name(answer)).await?;
        Ok(Chosen { name: name.as_str().to_owned(), file: None, import: false })
    }

    /// The same for whoever owns the database.
    async fn own_guild(&mut self, store: Option<&Store>) -> Result<Chosen, Failure> {
        let known = match store {
            Some(store) => store.guild_list().await?.into_iter().map(|one| one.name).collect(),
            None => Vec::new(),
        };
        let mut words = known.clone();
        words.extend(["demo", "new"].map(str::to_owned));
        for (at, word) in words.iter().enumerate().filter(|(at, _)| *at < LISTED_MAX || *at >= known.len()) {
            let says = match word.as_str() {
                "demo" if at >= known.len() => ": the demo's guild, to try everything with",
                "new" if at >= known.len() => ": a small guild of your own",
                _ => "",
            };
            self.ask.say(format_args!("  {} {word}{says}", at + 1));
        }
        self.ask.say("  or a guild file, such as my-guild.toml");
        let wanted = self.global.guild.as_deref().or(self.config.guild.as_deref());
        let is_known = |name: &&str| known.iter().any(|one| one.to_lowercase() == name.to_lowercase());
        let default = wanted.filter(is_known).or(known.first().map(String::as_str)).unwrap_or("demo").to_owned();
        let given = self.answers.guild_from.as_deref().or(self.global.guild.as_deref().filter(is_known));
        let question = Question { text: "which guild", default: &default, option: "--guild-from", given };
        let from = self.ask.ask(&question, async |answer: &str| source(answer, &words, known.len())).await?;
        match from {
            Source::Known(at) => {
                let name = words.swap_remove(at);
                let file = match store {
                    Some(store) => Some(store.guild_export(&name).await?),
                    None => None,
                };
                Ok(Chosen { name, file, import: false })
            }
            Source::File(file) => Ok(Chosen { name: file.name.as_str().to_owned(), file: Some(*file), import: true }),
            Source::New => self.new_guild(&known).await,
        }
    }

    /// Asks for what a new guild cannot do without.
    async fn new_guild(&self, known: &[String]) -> Result<Chosen, Failure> {
        let given = self.global.guild.as_deref();
        let question = Question { text: "the guild's name", default: GUILD_NAME, option: "--guild", given };
        let guild = self.ask.ask(&question, async |answer: &str| {
            let name = name(answer)?;
            let is_taken = known.iter().any(|one| one.to_lowercase() == name.as_str().to_lowercase());
            if is_taken {
                Err(format!("there is a guild called \"{name}\" already; call it otherwise"))
            } else {
                Ok(name)
            }
        });
        let guild = guild.await?;
        let own = std::env::var("USER").ok().filter(|user| user != "root").and_then(|user| Name::new(&user).ok());
        let default = own.map_or_else(|| LEADER_NAME.to_owned(), |name| capital(name.as_str()));
        let given = self.global.member.as_deref();
        let question = Question { text: "your name in it", default: &default, option: "--as", given };
        let leader = self.ask.ask(&question, async |answer: &str| name(answer)).await?;
        let mut file =
            guild_file::parse(NEW_GUILD).map_err(|problems| SetupError::NewGuild(format!("{problems:?}")))?;
        file.name = guild;
        for member in &mut file.members {
            member.name = leader.clone();
        }
        Ok(Chosen { name: file.name.as_str().to_owned(), file: Some(file), import: true })
    }

    /// Asks who speaks.
    pub(super) async fn member(&mut self, chosen: &Chosen) -> Result<String, Failure> {
        self.ask.say("\n3 Who speaks");
        let members: Vec<_> = chosen.file.iter().flat_map(|file| &file.members).collect();
        if let ([only], None) = (members.as_slice(), &self.global.member) {
            self.ask.say(format_args!("  {}, who is alone in it", only.name));
            return Ok(only.name.as_str().to_owned());
        }
        let words: Vec<String> = members.iter().map(|one| one.name.as_str().to_owned()).collect();
        for (at, member) in members.iter().take(LISTED_MAX).enumerate() {
            let rank = if let Said::To(rank) = &member.rank { format!(", {rank}") } else { String::new() };
            self.ask.say(format_args!("  {} {}{rank}", at + 1, member.name));
        }
        if let Some(more) = members.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
            self.ask.say(format_args!("  and {more} more"));
        }
        let wanted = self.global.member.as_deref().or(self.config.member.as_deref());
        let is_there = |name: &&str| words.iter().any(|one| one.to_lowercase() == name.to_lowercase());
        let default = wanted.filter(is_there).or(words.first().map(String::as_str)).or(wanted);
        let default = default.unwrap_or_default().to_owned();
        let given = self.global.member.as_deref();
        let question = Question { text: "your name or its number", default: &default, option: "--as", given };
        let take = async |answer: &str| match choice(answer, &words) {
            Some(at) => words.get(at).cloned().ok_or_else(String::new),
            None if words.is_empty() => name(answer).map(|name| name.as_str().to_owned()),
            None => {
                let near = suggestion(answer, words.iter().map(String::as_str));
                let near = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                Err(format!("no member of {} is called \"{answer}\"{near}", chosen.name))
            }
        };
        self.ask.ask(&question, take).await
    }

    /// Brings in what is new, into a database that is made for it where there is none.
    pub(super) async fn bring_in(&mut self, store: Option<Arc<Store>>, chosen: &Chosen) -> Result<Arc<Store>, Failure> {
        let store = match store {
            Some(store) => store,
            None => parts::store(&self.config).await?,
        };
        if let (true, Some(file)) = (chosen.import, &chosen.file) {
            let report = store.guild_import(file).await?;
            if !self.ask.aside {
                show::import(&report, false);
            }
        }
        Ok(store)
    }

    /// What the answers so far mean for the file.
    pub(super) fn note_guild(&mut self, chosen: &Chosen, member: &str) {
        self.changes.push(Change::text("guild", "name", &chosen.name));
        self.changes.push(Change::text("guild", "member", member));
        self.config.guild = Some(chosen.name.clone());
        self.config.member = Some(member.to_owned());
    }
}

/// Where a guild comes from.
#[derive(Debug)]
enum Source {
    /// The database, by its place in the list.
    Known(usize),
    /// A file that was read.
    File(Box<GuildFile>),
    /// The player.
    New,
}

/// What an answer means: one of the words, the last two of which are no names, or a guild file.
fn source(answer: &str, words: &[String], known: usize) -> Result<Source, String> {
    let at = choice(answer, words);
    match at.and_then(|at| Some((at, words.get(at)?.as_str()))) {
        Some((at, _)) if at < known => return Ok(Source::Known(at)),
        Some((_, "new")) => return Ok(Source::New),
        Some((_, "demo")) => return demo_guild(words, known),
        _ => {}
    }
    if !answer.contains('/') && !answer.ends_with(".toml") {
        return Err(format!("no guild here is called \"{answer}\"; write its number, demo, new, or a guild file"));
    }
    let text = std::fs::read_to_string(Path::new(answer)).map_err(|error| format!("cannot read {answer}: {error}"))?;
    read(&text).map_err(|problem| format!("{answer}: {problem}"))
}

/// The demo's guild: from the database where it is, for orders may have changed it since.
fn demo_guild(words: &[String], known: usize) -> Result<Source, String> {
    let demo = read(demo::GUILD)?;
    let Source::File(file) = &demo else { return Ok(demo) };
    let own = words.iter().take(known).position(|one| one == file.name.as_str());
    Ok(own.map_or(demo, Source::Known))
}

fn read(text: &str) -> Result<Source, String> {
    let read = guild_file::parse(text).map(|file| Source::File(Box::new(file)));
    read.map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn name(answer: &str) -> Result<Name, String> {
    Name::new(answer).map_err(|error| error.to_string())
}

/// The word with a capital.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
