//! `member`, `squad`, `rank`, `category`, `access` and `commander`: what people manage in a guild.
//!
//! With `--as`, that member signs in and the database decides what they may. Without it, whoever owns the database does
//! it for any guild.

use serde_json::{Value, json};

use crate::cli::Global;
use crate::config::Config;
use crate::guild_file::{self, COMMANDER_NAME, COMMANDER_SYSTEM_PROMPT, GuildFile};
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show;
use crate::store::people_kinds::COMMANDER;
use crate::store::{People, PeopleFields, StoreError};

mod order;

pub use order::Order;
use order::{Piece, Said, What};

/// The longest value that a sentence repeats, in characters.
const SAID_CHARS_MAX: usize = 60;

/// Carries out a command about what people manage.
///
/// # Errors
/// When a part is not available, a name is unknown, a value is none, or the member may not do it.
pub async fn run(config: &Config, global: &Global, command: impl Into<Order>) -> Result<u8, Failure> {
    let order = command.into();
    let (store, session) = parts::acting(config, global).await?;
    let guild = global.guild.as_deref().or(config.guild.as_deref());
    let done = async {
        let mut people = store.people(session.as_ref(), guild).await?;
        if let What::List = order.what {
            let all = people.list(order.kind).await?;
            table(&all, global.json);
            return Ok(());
        }
        let (command, reply) = carry_out(&mut people, &order).await?;
        people.note(&command, &reply).await?;
        if !global.dry_run {
            people.commit().await?;
        }
        if global.json {
            show::line(json!({ "commands": [command], "outcome": "applied", "reply": reply }));
        } else {
            show::line(reply);
        }
        Ok(())
    };
    let done: Result<(), StoreError> = done.await;
    parts::leave(&store, session.as_ref()).await;
    ended(done)
}

/// `guild import`: with the member's rights, or as the owner of the database.
///
/// # Errors
/// When a part is not available, or the file asks for what the member may not or what contradicts the guild.
pub async fn import(config: &Config, global: &Global, file: &GuildFile) -> Result<u8, Failure> {
    let (store, session) = parts::acting(config, global).await?;
    let done = match &session {
        None if global.dry_run => {
            let text = "an import by the owner of the database changes at once; with --as MEMBER it knows --dry-run";
            Err(StoreError::Guild(text.to_owned()))
        }
        Some(session) => store.guild_import_as(session, file, global.dry_run).await,
        None => store.guild_import(file).await.map_err(StoreError::from),
    };
    parts::leave(&store, session.as_ref()).await;
    ended(done.map(|report| show::import(&report, global.json)))
}

/// `guild export`: what the member may see, or all of it for the owner of the database.
///
/// # Errors
/// When a part is not available, or the guild holds what no file can.
pub async fn export(config: &Config, global: &Global) -> Result<u8, Failure> {
    let (file, seen_by) = visible(config, global).await?;
    if let Some(member) = seen_by {
        let guild = &file.name;
        show::line(format_args!(
            "# {guild}, as far as {member} may see it: parts may be missing. Importing it removes none of them.\n"
        ));
    }
    show::line(guild_file::render(&file).trim_end());
    Ok(EXIT_DONE)
}

/// The guild as a file: what the member may see, who is named then, or all of it for the owner of the database.
///
/// # Errors
/// As [`export`].
pub async fn visible(config: &Config, global: &Global) -> Result<(GuildFile, Option<String>), Failure> {
    let (store, session) = parts::acting(config, global).await?;
    let file = async {
        match &session {
            Some(session) => store.guild_export_as(session).await,
            None => {
                let name = store.guild_name(global.guild.as_deref().or(config.guild.as_deref())).await?;
                Ok(store.guild_export(&name).await?)
            }
        }
    };
    let file = file.await;
    parts::leave(&store, session.as_ref()).await;
    Ok((file?, session.map(|session| session.member.name)))
}

/// What the member may not do, or what contradicts the guild, is told apart from wrong usage.
fn ended(done: Result<(), StoreError>) -> Result<u8, Failure> {
    done.map(|()| EXIT_DONE).map_err(|error| match error {
        StoreError::Denied(_) | StoreError::Refused(_) => Failure { code: EXIT_SOME_NOT, error: error.into() },
        error => error.into(),
    })
}

/// Does it; answers the command as JSON, and a sentence of what was done.
async fn carry_out(people: &mut People, order: &Order) -> Result<(Value, String), StoreError> {
    let kind = order.kind;
    let mut command = serde_json::Map::new();
    command.insert("action".to_owned(), json!(order.action));
    let (fields, said, shown) = match &order.what {
        What::List | What::Remove(_) => Default::default(),
        What::Add(_, pieces) | What::Change(_, pieces) | What::Commander(pieces) => resolved(people, pieces).await?,
    };
    let sentence = match &order.what {
        What::List => String::new(),
        What::Add(name, _) => {
            let name = order::name(name).map_err(StoreError::Member)?;
            let mut row = fields;
            row.insert("name".to_owned(), name.clone());
            people.add(kind, &row).await?;
            let sentence = format!("{} {} was added", kind.word, words(&name));
            command.insert("name".to_owned(), name);
            sentence
        }
        What::Change(name, _) => {
            if fields.is_empty() {
                return Err(StoreError::Member(format!("say what of the {} is to change", kind.word)));
            }
            let (id, name) = people.find(kind, name).await?;
            people.change(kind, id, &fields).await?;
            command.insert(kind.key(), json!(name));
            format!("{} {name} was changed", kind.word)
        }
        What::Remove(name) => {
            let (id, name) = people.find(kind, name).await?;
            people.remove(kind, id).await?;
            command.insert(kind.key(), json!(name));
            format!("{} {name} was removed", kind.word)
        }
        What::Commander(_) => {
            commander(people, fields).await?;
            "the commander was changed".to_owned()
        }
    };
    command.extend(said);
    let reply = if shown.is_empty() { sentence } else { format!("{sentence}: {}", shown.join(", ")) };
    Ok((Value::Object(command), reply))
}

/// Changes the commander, or makes the guild's first.
async fn commander(people: &mut People, fields: PeopleFields) -> Result<(), StoreError> {
    if let Some(id) = people.commander().await? {
        return people.change(&COMMANDER, id, &fields).await;
    }
    let mut row = fields;
    row.entry("name").or_insert_with(|| json!(COMMANDER_NAME));
    row.entry("system_prompt").or_insert_with(|| json!(COMMANDER_SYSTEM_PROMPT));
    people.add(&COMMANDER, &row).await.map(drop)
}

/// The pieces as columns, as fields of the command's JSON, and in words.
async fn resolved(
    people: &mut People,
    pieces: &[Piece],
) -> Result<(PeopleFields, PeopleFields, Vec<String>), StoreError> {
    let (mut fields, mut said, mut shown) = (PeopleFields::new(), PeopleFields::new(), Vec::new());
    for piece in pieces {
        let (stored, named) = match &piece.said {
            Said::Value(value) => (value.clone(), value.clone()),
            Said::Checked(check, text) => {
                let value = check(text).map_err(StoreError::Member)?;
                (value.clone(), value)
            }
            Said::One(kind, name) => {
                let (id, name) = people.find(kind, name).await?;
                (json!(id), json!(name))
            }
            Said::Many(kind, names) => {
                let mut found = Vec::new();
                for name in names {
                    found.push(people.find(kind, name).await?);
                }
                found.dedup();
                let (ids, names): (Vec<_>, Vec<_>) = found.into_iter().unzip();
                (json!(ids), json!(names))
            }
        };
        shown.push(format!("{} {}", piece.label.replace('_', " "), words(&named)));
        fields.insert(piece.column.to_owned(), stored);
        said.insert(piece.label.to_owned(), named);
    }
    Ok((fields, said, shown))
}

/// A value in words; a long one cut short.
fn words(value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_owned(),
        // A terminal obeys control characters.
        Value::String(text) => {
            let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            plain.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        Value::Array(all) if all.is_empty() => "none".to_owned(),
        Value::Array(all) => all.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    if !value.is_string() || text.chars().count() <= SAID_CHARS_MAX {
        return text;
    }
    format!("{}…", text.chars().take(SAID_CHARS_MAX).collect::<String>().trim_end())
}

/// Prints what there is: an object a line, or a table with the last column as long as it likes.
fn table(all: &[Value], json: bool) {
    if json {
        all.iter().for_each(show::line);
        return;
    }
    let rows = all.iter().filter_map(Value::as_object);
    let heads: Vec<&String> = all.first().and_then(Value::as_object).into_iter().flat_map(|one| one.keys()).collect();
    let mut lines: Vec<Vec<String>> = vec![heads.iter().map(|head| head.replace('_', " ")).collect()];
    lines.extend(
        rows.map(|row| row.values().map(|one| if one.is_null() { String::new() } else { words(one) }).collect()),
    );
    let wide = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|text| text.chars().count()).max();
    let widths: Vec<usize> = (0..heads.len()).map(|at| wide(at).unwrap_or(0)).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        show::line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
