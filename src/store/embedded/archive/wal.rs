//! The names of PostgreSQL's pieces of log, and which of them there are.
//!
//! A piece is named by its line of time and its number. A recovery ends one line and begins the next; the file
//! `0000000N.history` says where each earlier line of N ended.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::ArchiveError;
use super::error::files;
use crate::store::embedded::cluster::Cluster;

/// The most of a history file that is read; a line stands for one recovery.
const HISTORY_BYTES_MAX: u64 = 1 << 20;

/// What a stopped cluster says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::embedded) struct Control {
    /// Tells one cluster from every other.
    pub(in crate::store::embedded) system: String,
    /// Its line of time.
    pub(in crate::store::embedded) timeline: u32,
    /// Up to where it wrote for certain.
    pub(in crate::store::embedded) checkpoint: u64,
    /// Bytes of a piece.
    pub(in crate::store::embedded) piece_bytes: u64,
}

impl Control {
    /// Asks `pg_controldata`.
    pub(in crate::store::embedded) fn read(cluster: &Cluster, pg: &Path) -> Result<Self, ArchiveError> {
        let said = cluster.run("pg_controldata", |command| {
            command.arg(pg);
        })?;
        parse_control(&said).ok_or_else(|| ArchiveError::Program {
            program: "pg_controldata".to_owned(),
            status: "its answer is not understood".to_owned(),
            said,
        })
    }
}

fn parse_control(said: &str) -> Option<Control> {
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let control = Control {
        system: value("Database system identifier:")?.to_owned(),
        timeline: value("Latest checkpoint's TimeLineID:")?.parse().ok()?,
        checkpoint: position(value("Latest checkpoint location:")?)?,
        piece_bytes: value("Bytes per WAL segment:")?.parse().ok()?,
    };
    (control.piece_bytes >= 1 << 20).then_some(control)
}

/// `0/3000148` → its number of bytes.
pub(super) fn position(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    Some((u64::from(u32::from_str_radix(high, 16).ok()?) << 32) | u64::from(u32::from_str_radix(low, 16).ok()?))
}

/// The name of the piece that holds `position`.
pub(super) fn piece_name(timeline: u32, position: u64, piece_bytes: u64) -> String {
    let number = position / piece_bytes;
    let each = (1_u64 << 32) / piece_bytes;
    format!("{timeline:08X}{:08X}{:08X}", number / each, number % each)
}

/// A line of time and those it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::embedded) struct History {
    /// The line itself.
    pub(in crate::store::embedded) timeline: u32,
    /// Earlier lines with the position at which each was left, oldest first.
    ancestors: Vec<(u32, u64)>,
}

impl History {
    /// Reads the history of `timeline` from the cluster's folder `pg`, where a recovery leaves it.
    pub(in crate::store::embedded) fn read(pg: &Path, timeline: u32) -> Result<Self, ArchiveError> {
        if timeline == 1 {
            return Ok(Self { timeline, ancestors: Vec::new() });
        }
        let path = pg.join(format!("pg_wal/{timeline:08X}.history"));
        let length = fs::metadata(&path).map_err(files("read", &path))?.len();
        if length > HISTORY_BYTES_MAX {
            return Err(files("read", &path)(std::io::Error::from(std::io::ErrorKind::FileTooLarge)));
        }
        let text = fs::read_to_string(&path).map_err(files("read", &path))?;
        Ok(Self { timeline, ancestors: parse_history(&text) })
    }

    /// Whether what ended at `position` of `timeline` is in this line's past.
    pub(in crate::store::embedded) fn holds(&self, timeline: u32, position: u64) -> bool {
        timeline == self.timeline || self.ancestors.iter().any(|(line, end)| *line == timeline && position <= *end)
    }

    /// The lines that may hold the piece at `position`.
    fn lines(&self, position: u64, piece_bytes: u64) -> Vec<u32> {
        let piece = position / piece_bytes;
        let mut begin = 0;
        let mut found = Vec::new();
        for (line, end) in &self.ancestors {
            if (begin..=end / piece_bytes).contains(&piece) {
                found.push(*line);
            }
            begin = end / piece_bytes;
        }
        if piece >= begin {
            found.push(self.timeline);
        }
        found
    }
}

/// Lines `timeline <tab> position <tab> why`; `#` begins a comment.
fn parse_history(text: &str) -> Vec<(u32, u64)> {
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, position(words.next()?)?))
    };
    text.lines().filter_map(parse).collect()
}

/// The pieces that there are, in the archive and in a cluster's own folder.
#[derive(Debug)]
pub(in crate::store::embedded) struct Pieces(BTreeSet<String>);

impl Pieces {
    /// Looks into both folders.
    pub(in crate::store::embedded) fn look(archive: &Path, pg: &Path) -> Result<Self, ArchiveError> {
        let own = pg.join("pg_wal");
        let mut found: BTreeSet<String> = names(archive)?.into_iter().collect();
        let entries = fs::read_dir(&own).map_err(files("read", &own))?.flatten();
        found.extend(entries.filter_map(|entry| entry.file_name().into_string().ok()));
        Ok(Self(found))
    }

    /// The first piece that is missing between two positions of a line, if one is.
    pub(in crate::store::embedded) fn missing(
        &self,
        history: &History,
        from: u64,
        to: u64,
        piece_bytes: u64,
    ) -> Option<String> {
        let first = from / piece_bytes;
        (first..=to.max(from) / piece_bytes).map(|number| number * piece_bytes).find_map(|position| {
            let lines = history.lines(position, piece_bytes);
            let there = lines.iter().any(|line| self.0.contains(&piece_name(*line, position, piece_bytes)));
            (!there).then(|| piece_name(lines.last().copied().unwrap_or(history.timeline), position, piece_bytes))
        })
    }
}

/// The pieces in the archive, without `.gz`.
pub(super) fn names(wal: &Path) -> Result<Vec<String>, ArchiveError> {
    let entries = fs::read_dir(wal).map_err(files("read", wal))?.flatten();
    let name = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".gz").map(str::to_owned);
    Ok(entries.filter_map(name).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;

    const PIECE: u64 = 16 << 20;

    #[test]
    fn pieces_have_postgresqls_names() {
        let check = |timeline, at: &str, name: &str| {
            assert_eq!(piece_name(timeline, position(at).unwrap(), PIECE), name, "{at}");
        };
        check(1, "0/2000028", "000000010000000000000002");
        check(2, "0/FF000000", "0000000200000000000000FF");
        check(10, "1/0", "0000000A0000000100000000");
        for wrong in ["", "1", "x/1", "1/100000000"] {
            assert_eq!(position(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_line_of_time_holds_what_came_before_it_was_left() {
        let ancestors = parse_history("1\t0/5000100\tbefore 2026\n\n2\t0/7000000\twhy\n# note\n");
        let history = History { timeline: 3, ancestors };
        assert!(history.holds(1, 0x0500_0100) && !history.holds(1, 0x0500_0101));
        assert!(history.holds(3, u64::MAX) && !history.holds(4, 0));
        let pieces = |names: &[(u32, u64)]| {
            Pieces(names.iter().map(|(line, at)| piece_name(*line, at * PIECE, PIECE)).collect())
        };
        let whole = pieces(&[(1, 3), (1, 4), (2, 5), (2, 6), (3, 7), (3, 8)]);
        assert_eq!(whole.missing(&history, 3 * PIECE + 40, 8 * PIECE + 9, PIECE), None);
        let torn = pieces(&[(1, 3), (1, 4), (2, 5), (1, 6), (3, 7)]);
        let missing = torn.missing(&history, 3 * PIECE, 8 * PIECE, PIECE);
        assert_eq!(missing.as_deref(), Some("000000020000000000000006"), "line 1 had ended before piece 6");
    }

    #[test]
    fn what_pg_controldata_prints_is_read() {
        let said = "Database system identifier:           7575\nLatest checkpoint location:           0/3000110\n\
                    Latest checkpoint's TimeLineID:       2\nBytes per WAL segment:                16777216\n";
        let control = parse_control(said).unwrap();
        assert_eq!((control.system.as_str(), control.timeline, control.checkpoint), ("7575", 2, 0x0300_0110));
        assert_eq!(parse_control("nothing"), None);
    }
}
