//! Writes a guild file in the order a person reads it.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};

use super::*;

/// The file as TOML: what it does not say is not written, so `parse(render(file)) == file`.
#[must_use]
pub fn render(file: &GuildFile) -> String {
    let mut page = Page::default();
    page.table("[guild]");
    page.text("name", file.name.as_str());
    page.said("description", &file.description);
    file.limits.render(&mut page);
    render_commander(&mut page, &file.commander);
    for level in &file.access_levels {
        page.table("[[access_level]]");
        page.text("name", level.name.as_str());
        page.list("user_actions", level.user_actions.as_deref());
    }
    for rank in &file.ranks {
        page.table("[[rank]]");
        page.named(&rank.name, &rank.phonetic);
        page.raw("hierarchy_level", rank.hierarchy_level);
        page.word("clearance", rank.clearance);
        page.list("access_levels", rank.access_levels.as_deref());
    }
    for squad in &file.squads {
        page.table("[[squad]]");
        page.named(&squad.name, &squad.phonetic);
        page.said("lead", &squad.lead);
    }
    for member in &file.members {
        page.table("[[member]]");
        page.named(&member.name, &member.phonetic);
        page.said("rank", &member.rank);
        page.said("squad", &member.squad);
        page.word("availability", member.availability);
        page.list("preferences", member.preferences.as_deref());
        page.word("password_env", member.password_env.as_deref());
    }
    for category in &file.categories {
        page.table("[[category]]");
        page.named(&category.name, &category.phonetic);
        page.said("description", &category.description);
    }
    for objective in &file.objectives {
        render_objective(&mut page, objective);
    }
    page.0
}

fn render_commander(page: &mut Page, commander: &Commander) {
    if *commander == Commander::default() {
        return;
    }
    page.table("[commander]");
    page.word("name", commander.name.as_ref());
    page.said("phonetic", &commander.phonetic);
    page.word("system_prompt", commander.system_prompt.as_deref());
    page.said("user_prompt", &commander.user_prompt);
}

fn render_objective(page: &mut Page, objective: &Objective) {
    page.table("[[objective]]");
    page.named(&objective.name, &objective.phonetic);
    page.word("priority", objective.priority);
    page.word("status", objective.status);
    page.percent(objective.progress);
    page.said("applicable_rank", &objective.applicable_rank);
    page.list("preferences", objective.preferences.as_deref());
    page.list("categories", objective.categories.as_deref());
    page.said("lead", &objective.lead);
    page.said("squad", &objective.squad);
    page.said("brief", &objective.brief);
    page.said("tactical", &objective.tactical);
    page.said("classified", &objective.classified);
    if !objective.metrics.is_empty() {
        page.subtable("[objective.metrics]");
        for (key, value) in &objective.metrics {
            page.raw(&quoted_key(key), number(*value));
        }
    }
    for task in &objective.tasks {
        page.subtable("[[objective.task]]");
        page.named(&task.name, &task.phonetic);
        page.said("description", &task.description);
        page.word("status", task.status);
        page.word("priority", task.priority);
        page.percent(task.progress);
        if let Some(may) = task.self_assignment {
            page.raw("self_assignment", may);
        }
        page.said("lead", &task.lead);
        page.said("squad", &task.squad);
        if let Some(schedule) = &task.schedule {
            page.raw("schedule", inline_schedule(schedule));
        }
    }
}

fn inline_schedule(schedule: &Schedule) -> String {
    let time = |time: &DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let entries = [
        schedule.start.as_ref().map(|start| format!("start = {}", time(start))),
        schedule.end.as_ref().map(|end| format!("end = {}", time(end))),
        schedule.duration.map(|minutes| format!("duration = {minutes}")),
        schedule.flexible.map(|flexible| format!("flexible = {flexible}")),
        schedule.timezone.as_deref().map(|zone| format!("timezone = {}", quoted(zone))),
    ];
    let entries: Vec<String> = entries.into_iter().flatten().collect();
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// A finite number that reads back as itself, without `.0` where it is whole.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 9e15 { format!("{value:.0}") } else { format!("{value:?}") }
}

/// The text so far. Writing to a `String` cannot fail, so the results of `write!` are dropped.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn table(&mut self, header: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.subtable(header);
    }

    fn subtable(&mut self, header: &str) {
        self.0.push_str(header);
        self.0.push('\n');
    }

    pub(super) fn raw(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn text(&mut self, key: &str, text: &str) {
        self.raw(key, quoted(text));
    }

    fn named(&mut self, name: &Name, phonetic: &Said<String>) {
        self.text("name", name.as_str());
        self.said("phonetic", phonetic);
    }

    fn said(&mut self, key: &str, said: &Said<impl ToString>) {
        match said {
            Said::Unsaid => {}
            Said::Cleared => self.text(key, ""),
            Said::To(value) => self.text(key, &value.to_string()),
        }
    }

    fn word(&mut self, key: &str, word: Option<impl ToString>) {
        if let Some(word) = word {
            self.text(key, &word.to_string());
        }
    }

    fn list(&mut self, key: &str, list: Option<&[impl ToString]>) {
        if let Some(list) = list {
            let list: Vec<String> = list.iter().map(|entry| quoted(&entry.to_string())).collect();
            self.raw(key, format_args!("[{}]", list.join(", ")));
        }
    }

    fn percent(&mut self, percent: Option<Percent>) {
        if let Some(percent) = percent {
            let short = percent.get().to_string();
            let exact = short.parse().ok().and_then(Percent::new) == Some(percent);
            self.raw("progress", if exact { short } else { f64::from(percent.get()).to_string() });
        }
    }
}
