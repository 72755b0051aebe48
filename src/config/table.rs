//! The settings as they stand in files: where the player's own is, one put over another, and what differs between two.

use std::path::PathBuf;

/// The player's own settings file, which is read when no other is named: `sphereconnect/config.toml` in the user's folder
/// for settings. It need not be there. `None` for a user without a home.
#[must_use]
pub fn user_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "sphereconnect").map(|folders| folders.config_dir().join("config.toml"))
}

/// All settings as they were read, to be compared. They may hold a secret, so they are never shown.
#[derive(Clone, Default)]
pub(super) struct Read(pub(super) toml::Table);

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Read")
    }
}

impl Read {
    /// The settings that are not the same, each as `table.key`.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (section, values) in &self.0 {
            let Some(values) = values.as_table() else { continue };
            let others = other.0.get(section).and_then(toml::Value::as_table);
            let differs = |key: &str, value: &toml::Value| others.and_then(|all| all.get(key)) != Some(value);
            found.extend(
                values.iter().filter(|(key, value)| differs(key, value)).map(|(key, _)| format!("{section}.{key}")),
            );
        }
        found
    }
}

/// Puts the values of `own` over the defaults; every key must be one of the defaults' and of the same type.
pub(super) fn merge(base: &mut toml::Table, own: toml::Table, path: &str, problems: &mut Vec<String>) {
    for (key, value) in own {
        let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(own)) => merge(inner, own, &place, problems),
            (Some(default), value) if default.same_type(&value) => *default = value,
            (Some(default), value) => {
                problems.push(format!("{place} must be a {}, not a {}", default.type_str(), value.type_str()));
            }
            (None, _) => {
                let near = base
                    .keys()
                    .map(|known| (strsim::jaro_winkler(known, &key), known))
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .filter(|(score, _)| *score > 0.75);
                problems.push(match near {
                    Some((_, known)) => format!("{place} is no setting; did you mean {known}?"),
                    None => format!("{place} is no setting; config.toml lists them all"),
                });
            }
        }
    }
}
