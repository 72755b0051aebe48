//! The document's tables, section by section.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use toml::de::{DeTable, DeValue};

use super::read::{Known, Problems, Section, Seen};
use super::*;

/// The most senior and the most junior place a rank can have.
const HIERARCHY_LEVELS: Range<i64> = 1..10_001;
/// The years a schedule can name: those written with four digits in every time zone.
const YEARS: Range<i32> = 1000..9999;

/// Reads and checks a whole guild file.
///
/// # Errors
/// Every problem of the file at once, in the order of its lines. While the text is not TOML at all only the syntax is
/// reported: what a broken line was meant to say would be a guess.
pub fn parse(text: &str) -> Result<GuildFile, Vec<Problem>> {
    let mut problems = Problems::new(text);
    if text.len() > FILE_BYTES_MAX {
        problems.add(&(0..0), "", format!("a guild file has at most {FILE_BYTES_MAX} bytes, not {}", text.len()));
        return Err(problems.finish());
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add(&error.span().unwrap_or(0..0), "", error.message());
    }
    if !errors.is_empty() {
        return Err(problems.finish());
    }
    let root = Section::new(document.get_ref(), 0..0, String::new());
    let file = read_file(&root, &mut problems);
    let problems = problems.finish();
    file.filter(|_| problems.is_empty()).ok_or(problems)
}

/// What the sections may refer to.
struct Directory {
    access_levels: Known,
    ranks: Known,
    squads: Known,
    members: Known,
    categories: Known,
}

fn read_file(root: &Section<'_>, problems: &mut Problems) -> Option<GuildFile> {
    root.check_keys(
        &["guild", "commander", "access_level", "rank", "member", "squad", "category", "objective"],
        problems,
    );
    let access_levels = root.sections("access_level", ACCESS_LEVELS_MAX, problems);
    let ranks = root.sections("rank", RANKS_MAX, problems);
    let squads = root.sections("squad", SQUADS_MAX, problems);
    let members = root.sections("member", MEMBERS_MAX, problems);
    let categories = root.sections("category", CATEGORIES_MAX, problems);
    let objectives = root.sections("objective", OBJECTIVES_MAX, problems);
    let directory = Directory {
        access_levels: Known::new("access level", &access_levels),
        ranks: Known::new("rank", &ranks),
        squads: Known::new("squad", &squads),
        members: Known::new("member", &members),
        categories: Known::new("category", &categories),
    };
    let guild = root.subsection("guild", problems);
    if root.get("guild").is_none() {
        problems.add(&(0..0), "", "the table [guild] with the guild's name is missing");
    }
    let (name, description, limits) = guild.map_or((None, Said::Unsaid, Limits::default()), |guild| {
        guild.check_keys(&["name", "description", "limits"], problems);
        let limits = guild.subsection("limits", problems).map(|section| Limits::read(&section, problems));
        (guild.name(problems), guild.text("description", problems), limits.unwrap_or_default())
    });
    let commander = root.subsection("commander", problems).map(|section| read_commander(&section, problems));
    let file = GuildFile {
        name: Name::new("-").ok()?,
        description,
        limits,
        commander: commander.unwrap_or_default(),
        access_levels: named("an access level called", &access_levels, problems, read_access_level),
        ranks: read_ranks(&ranks, &directory, problems),
        squads: named("a squad called", &squads, problems, |section, name, problems| Squad {
            name,
            phonetic: section.phonetic(problems),
            lead: section.reference("lead", &directory.members, problems),
        }),
        members: named("a member called", &members, problems, |section, name, problems| {
            read_member(section, name, &directory, problems)
        }),
        categories: named("a category called", &categories, problems, |section, name, problems| Category {
            name,
            phonetic: section.phonetic(problems),
            description: section.text("description", problems),
        }),
        objectives: read_objectives(&objectives, &directory, problems),
    };
    check_keys_of(&squads, &["name", "phonetic", "lead"], problems);
    check_keys_of(&categories, &["name", "phonetic", "description"], problems);
    name.map(|name| GuildFile { name, ..file })
}

/// Reads sections whose names must not repeat. A section without a usable name is still read, for its own problems.
fn named<'a, T>(
    what: &str,
    sections: &[Section<'a>],
    problems: &mut Problems,
    mut read: impl FnMut(&Section<'a>, Name, &mut Problems) -> T,
) -> Vec<T> {
    let mut seen = Seen::default();
    let mut list = Vec::with_capacity(sections.len());
    for section in sections {
        let name = section.name(problems);
        if let Some(name) = &name {
            let span = section.get("name").map_or_else(|| section.span.clone(), toml::Spanned::span);
            seen.check(what, name.as_str(), &span, &section.path_of("name"), problems);
        }
        // The name is a stand-in only where a problem was noted, and then the whole value is dropped.
        if let Some(name) = name.or_else(|| Name::new("-").ok()) {
            list.push(read(section, name, problems));
        }
    }
    list
}

fn check_keys_of(sections: &[Section<'_>], known: &[&str], problems: &mut Problems) {
    for section in sections {
        section.check_keys(known, problems);
    }
}

fn read_commander(section: &Section<'_>, problems: &mut Problems) -> Commander {
    section.check_keys(&["name", "phonetic", "system_prompt", "user_prompt"], problems);
    let system_prompt = match section.text("system_prompt", problems) {
        Said::To(text) => Some(text),
        Said::Unsaid => None,
        Said::Cleared => {
            section.wrong("system_prompt", "a system prompt cannot be empty; leave the key out", problems);
            None
        }
    };
    Commander {
        name: section.name_at("name", problems),
        phonetic: section.phonetic(problems),
        system_prompt,
        user_prompt: section.text("user_prompt", problems),
    }
}

fn read_access_level(section: &Section<'_>, name: Name, problems: &mut Problems) -> AccessLevel {
    section.check_keys(&["name", "user_actions"], problems);
    let actions = section.strings("user_actions", LIST_MAX, problems, |word, span, path, problems| {
        let found = USER_ACTIONS.iter().copied().find(|action| *action == word.trim());
        if found.is_none() {
            let hint = problems.hint(word, USER_ACTIONS.iter().copied());
            problems.add(span, path, format!("no action is called \"{}\"{hint}", word.escape_debug()));
        }
        found
    });
    let user_actions =
        actions.map(|said| USER_ACTIONS.iter().copied().filter(|action| said.contains(action)).collect());
    AccessLevel { name, user_actions }
}

fn read_ranks(sections: &[Section<'_>], directory: &Directory, problems: &mut Problems) -> Vec<Rank> {
    let mut levels = Seen::default();
    named("a rank called", sections, problems, |section, name, problems| {
        section.check_keys(&["name", "phonetic", "hierarchy_level", "clearance", "access_levels"], problems);
        let level = section.required_integer("hierarchy_level", HIERARCHY_LEVELS, problems);
        if let (Some(level), Some(value)) = (level, section.get("hierarchy_level")) {
            let path = section.path_of("hierarchy_level");
            levels.check("the hierarchy_level", &level.to_string(), &value.span(), &path, problems);
        }
        Rank {
            name,
            phonetic: section.phonetic(problems),
            hierarchy_level: level.and_then(|level| i32::try_from(level).ok()).unwrap_or_default(),
            clearance: section.choice("clearance", Clearance::ALL, problems),
            access_levels: section.references("access_levels", &directory.access_levels, ACCESS_LEVELS_MAX, problems),
        }
    })
}

fn read_member(section: &Section<'_>, name: Name, directory: &Directory, problems: &mut Problems) -> Member {
    let keys = ["name", "phonetic", "rank", "squad", "availability", "preferences", "password_env"];
    section.check_keys(&keys, problems);
    Member {
        name,
        phonetic: section.phonetic(problems),
        rank: section.reference("rank", &directory.ranks, problems),
        squad: section.reference("squad", &directory.squads, problems),
        availability: section.choice("availability", Availability::ALL, problems),
        preferences: read_preferences(section, problems),
        password_env: section.name_at("password_env", problems).map(|name| name.to_string()),
    }
}

/// Free words, trimmed and lower-cased.
fn read_preferences(section: &Section<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    section.strings("preferences", LIST_MAX, problems, |word, span, path, problems| match Name::new(word) {
        Ok(word) => Some(word.as_str().to_lowercase()),
        Err(error) => {
            problems.add(span, path, error.to_string());
            None
        }
    })
}

fn read_objectives(sections: &[Section<'_>], directory: &Directory, problems: &mut Problems) -> Vec<Objective> {
    let mut tasks_total = 0;
    let mut objectives = Vec::with_capacity(sections.len());
    for section in sections {
        let name = section.name(problems).or_else(|| Name::new("-").ok());
        let Some(name) = name else { continue };
        let objective = read_objective(section, name, directory, problems);
        tasks_total += objective.tasks.len();
        objectives.push(objective);
    }
    if tasks_total > TASKS_TOTAL_MAX {
        problems.add(&(0..0), "objective", format!("at most {TASKS_TOTAL_MAX} tasks, not {tasks_total}"));
    }
    objectives
}

fn read_objective(section: &Section<'_>, name: Name, directory: &Directory, problems: &mut Problems) -> Objective {
    let keys = [
        "name",
        "phonetic",
        "priority",
        "status",
        "progress",
        "applicable_rank",
        "preferences",
        "categories",
        "lead",
        "squad",
        "brief",
        "tactical",
        "classified",
        "metrics",
        "task",
    ];
    section.check_keys(&keys, problems);
    let tasks = section.sections("task", TASKS_MAX, problems);
    let status = section.choice("status", ObjectiveStatus::ALL, problems);
    Objective {
        name,
        phonetic: section.phonetic(problems),
        priority: section.choice("priority", Priority::ALL, problems),
        status,
        progress: read_progress(section, status == Some(ObjectiveStatus::Completed), problems),
        applicable_rank: section.reference("applicable_rank", &directory.ranks, problems),
        preferences: read_preferences(section, problems),
        categories: section.references("categories", &directory.categories, LIST_MAX, problems),
        lead: section.reference("lead", &directory.members, problems),
        squad: section.reference("squad", &directory.squads, problems),
        brief: section.text("brief", problems),
        tactical: section.text("tactical", problems),
        classified: section.text("classified", problems),
        metrics: read_metrics(section, problems),
        tasks: named("a task called", &tasks, problems, |task, name, problems| {
            read_task(task, name, directory, problems)
        }),
    }
}

fn read_progress(section: &Section<'_>, completed: bool, problems: &mut Problems) -> Option<Percent> {
    let value = section.number("progress", problems)?;
    let percent = Percent::new(value);
    if percent.is_none() {
        section.wrong("progress", format!("progress is 0 to 100, not {value}"), problems);
    } else if completed && percent != Percent::new(100.0) {
        section.wrong("progress", format!("what is completed has a progress of 100, not {value}"), problems);
    }
    percent
}

fn read_metrics(section: &Section<'_>, problems: &mut Problems) -> BTreeMap<String, f64> {
    let Some(metrics) = section.subsection("metrics", problems) else { return BTreeMap::new() };
    if metrics.entries().count() > LIST_MAX {
        section.wrong("metrics", format!("at most {LIST_MAX} metrics"), problems);
    }
    let mut values = BTreeMap::new();
    for (key, span, _) in metrics.entries() {
        match Name::new(key) {
            Ok(name) if name.as_str() == key => {}
            Ok(_) => problems.add(&span, metrics.path_of(key), "a metric's name cannot begin or end with blanks"),
            Err(error) => problems.add(&span, metrics.path_of(key.escape_debug()), error.to_string()),
        }
        if let Some(value) = metrics.number(key, problems) {
            if value.abs() >= METRIC_LIMIT {
                problems.add(&span, metrics.path_of(key), "a metric is a number below 10^15");
            }
            values.insert(key.to_owned(), value);
        }
    }
    values
}

fn read_task(section: &Section<'_>, name: Name, directory: &Directory, problems: &mut Problems) -> Task {
    let keys = [
        "name",
        "phonetic",
        "description",
        "status",
        "priority",
        "progress",
        "self_assignment",
        "lead",
        "squad",
        "schedule",
    ];
    section.check_keys(&keys, problems);
    let status = section.choice("status", TaskStatus::ALL, problems);
    Task {
        name,
        phonetic: section.phonetic(problems),
        description: section.text("description", problems),
        status,
        priority: section.choice("priority", Priority::ALL, problems),
        progress: read_progress(section, status == Some(TaskStatus::Completed), problems),
        self_assignment: section.boolean("self_assignment", problems),
        lead: section.reference("lead", &directory.members, problems),
        squad: section.reference("squad", &directory.squads, problems),
        schedule: section.subsection("schedule", problems).map(|schedule| read_schedule(&schedule, problems)),
    }
}

fn read_schedule(section: &Section<'_>, problems: &mut Problems) -> Schedule {
    section.check_keys(&["start", "end", "duration", "flexible", "timezone"], problems);
    let start = read_time(section, "start", problems);
    let end = read_time(section, "end", problems);
    let minutes = section.integer("duration", 0..i64::from(DURATION_MINUTES_MAX) + 1, problems);
    if let (Some(start), Some(end)) = (start, end) {
        let window = end - start;
        if end < start {
            section.wrong("end", "the end is before the start", problems);
        } else if minutes.is_some_and(|minutes| TimeDelta::minutes(minutes) != window) {
            let window = window.num_minutes();
            section.wrong("duration", format!("from start to end it is {window} minutes"), problems);
        }
    }
    Schedule {
        start,
        end,
        duration: minutes.and_then(|minutes| u32::try_from(minutes).ok()),
        flexible: section.boolean("flexible", problems),
        timezone: read_timezone(section, problems),
    }
}

/// A point in time with its offset, as TOML's own date-time or as a text.
fn read_time(section: &Section<'_>, key: &str, problems: &mut Problems) -> Option<DateTime<Utc>> {
    let value = section.get(key)?.get_ref();
    let text = match value {
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::String(text) => Some(text.trim().to_owned()),
        _ => None,
    };
    let time = text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let time = time.map(|time| time.to_utc()).filter(|time| YEARS.contains(&time.year()));
    // PostgreSQL keeps microseconds.
    let time = time.filter(|time| time.timestamp_subsec_nanos() % 1_000 == 0);
    if time.is_none() {
        section.wrong(key, "expected a date, a time and its offset, such as 2954-01-15T14:00:00Z", problems);
    }
    time
}

fn read_timezone(section: &Section<'_>, problems: &mut Problems) -> Option<String> {
    let word = section.string("timezone", problems)?.trim();
    match word.parse::<chrono_tz::Tz>() {
        Ok(zone) => Some(zone.name().to_owned()),
        Err(_) => {
            let hint = problems.hint(word, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
            let word = word.escape_debug();
            section.wrong(
                "timezone",
                format!("\"{word}\" is no IANA time zone, such as Europe/Berlin{hint}"),
                problems,
            );
            None
        }
    }
}
