//! The settings file: answers put into it, with every comment kept.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, Value};

use crate::config::Config;

/// What a new file begins with.
const HEAD: &str = "\
# Written by `sphereconnect setup`, which can be run again. Keys that are left out keep their defaults; config.toml of
# the project lists them all, with what they mean.

";

/// One answer for the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    table: &'static str,
    key: &'static str,
    value: Setting,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Setting {
    Text(String),
    Switch(bool),
}

/// Why the settings cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("cannot {what} {path}: {source}; name another file with --config")]
    System {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no TOML, or an answer has no place in it.
    #[error("cannot put the answers into {path}: {detail}; mend it, or name another file with --config")]
    Form {
        /// Which file.
        path: String,
        /// What is wrong.
        detail: String,
    },
}

impl Change {
    /// A text.
    pub fn text(table: &'static str, key: &'static str, value: impl Into<String>) -> Self {
        Self { table, key, value: Setting::Text(value.into()) }
    }

    /// True or false.
    #[must_use]
    pub fn switch(table: &'static str, key: &'static str, value: bool) -> Self {
        Self { table, key, value: Setting::Switch(value) }
    }

    fn value(&self) -> Value {
        match &self.value {
            Setting::Text(text) => text.into(),
            Setting::Switch(on) => (*on).into(),
        }
    }
}

impl std::fmt::Display for Change {
    /// As the file has it, but for a database's address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_secret = (self.table, self.key) == ("database", "url") && self.value != Setting::Text(String::new());
        let value = if is_secret { "…".to_owned() } else { self.value().to_string() };
        write!(f, "{}.{} = {value}", self.table, self.key)
    }
}

/// The text with the changes in it.
fn changed(text: &str, changes: &[Change]) -> Result<String, String> {
    let mut file: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    for change in changes {
        let section = file.entry(change.table).or_insert_with(|| Item::Table(Table::new()));
        let section = section.as_table_like_mut().ok_or_else(|| format!("{} is no table in it", change.table))?;
        let mut value = change.value();
        if let Some(old) = section.get(change.key).and_then(Item::as_value) {
            *value.decor_mut() = old.decor().clone();
        }
        match section.get_mut(change.key) {
            Some(item) => *item = Item::Value(value),
            None => drop(section.insert(change.key, Item::Value(value))),
        }
    }
    Ok(file.to_string())
}

/// Writes the changes into the file: at once and whole, so that whoever reads it sees the old or the new. What it links
/// to is changed, permissions stay; a new file is for its owner alone, since an address may hold a password.
///
/// # Errors
/// See [`FileError`]; the old file stays then.
pub fn write(path: &Path, changes: &[Change]) -> Result<(), FileError> {
    let form = |detail: String| FileError::Form { path: path.display().to_string(), detail };
    let (target, head, old) = match fs::read_to_string(path) {
        Ok(text) => (path.canonicalize().map_err(system("find", path))?, "", text),
        Err(error) if error.kind() == ErrorKind::NotFound => (path.to_owned(), HEAD, String::new()),
        Err(error) => return Err(system("read", path)(error)),
    };
    let text = format!("{head}{}", changed(&old, changes).map_err(form)?);
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(system("make", folder))?;
    }
    let fresh = beside(&target);
    let written = write_whole(&fresh, &target, &text).map_err(system("write", &fresh));
    // It must be what a start would take.
    let checked = written.and_then(|()| {
        Config::load(Some(&fresh), |_| None).map(drop).map_err(|error| form(error.0.join("; ")))?;
        fs::rename(&fresh, &target).map_err(system("replace", &target))
    });
    if checked.is_err() {
        // Whatever it was that failed, it is told; a file that was never made needs no removing.
        drop(fs::remove_file(&fresh));
    }
    checked
}

fn write_whole(fresh: &Path, target: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(fresh)?;
    if let Ok(old) = fs::metadata(target) {
        file.set_permissions(fs::Permissions::from_mode(old.permissions().mode()))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Where the new text is written first.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn system(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> FileError {
    let path = path.display().to_string();
    move |source| FileError::System { what, path, source }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    #[test]
    fn comments_and_other_keys_stay() {
        let old = "# mine\n[talk]\nkey = \"F8\"   # at the thumb\nmode = \"hold\"\n\n[voice]\nrate = 5 # quick\n";
        let changes = [
            Change::text("talk", "key", "ctrl+F9"),
            Change::switch("voice", "enabled", false),
            Change::text("guild", "name", "The \"Old\" Guard"),
        ];
        let new = changed(old, &changes).unwrap();
        assert_eq!(
            new,
            "# mine\n[talk]\nkey = \"ctrl+F9\"   # at the thumb\nmode = \"hold\"\n\n[voice]\nrate = 5 # quick\n\
             enabled = false\n\n[guild]\nname = 'The \"Old\" Guard'\n"
        );
        assert_eq!(changed(&new, &changes).unwrap(), new, "twice is once");
        assert!(changed("talk = 1\n", &changes).unwrap_err().contains("talk is no table"));
        assert!(changed("[talk\n", &changes).is_err());
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/settings.toml");
        let error = write(&path, &[Change::text("talk", "mode", "held")]).unwrap_err().to_string();
        assert!(error.contains("no mode of the talk key is called \"held\""), "{error}");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
        write(&path, &[Change::text("talk", "mode", "auto")]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, &[Change::text("talk", "mode", "open")]).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::read_to_string(&path).unwrap().contains("mode = \"open\""));
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(Change::text("database", "url", "postgres://me:hidden@there/db").to_string(), "database.url = …");
        assert_eq!(Change::text("talk", "key", "F8").to_string(), "talk.key = \"F8\"");
    }
}
