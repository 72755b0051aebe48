//! What the server reads: how much it may use, and who gets in.

use super::{CONNECTIONS_MAX, KEEPER};

/// The text of `postgresql.conf`; `archive` are the lines for an archive, if there is one.
pub(super) fn postgresql(archive: &str) -> String {
    SETTINGS.replace("{connections}", &CONNECTIONS_MAX.to_string()) + archive
}

/// The text of `pg_ident.conf`: the server's own user and root get in, both as the keeper.
pub(super) fn ident(account: &str) -> String {
    let root = (account != "root").then_some("root");
    let names = [Some(account), root].into_iter().flatten();
    let lines = names.map(|name| format!("{KEEPER} \"{}\" {KEEPER}\n", name.replace('"', "\"\"")));
    lines.fold(IDENT.to_owned(), |text, line| text + &line)
}

/// Small, because a game needs the memory; few connections, because one program has few; and no message of level
/// `error`, because such a message may quote what a member said.
const SETTINGS: &str = "\
# Written by sphereconnect at each start. Your own settings: `alter system set …`, which this file does not overrule.
max_connections = {connections}
superuser_reserved_connections = 3
# The guild's data is a few megabytes: this holds all of it, and the system's cache has the rest.
shared_buffers = 32MB
work_mem = 4MB
maintenance_work_mem = 16MB
# No parallel plans and no compiler: the game needs the cores, and no query here is long.
max_worker_processes = 4
max_parallel_workers_per_gather = 0
jit = off
# A turn writes some kilobytes. Rare checkpoints spare the disk while the game loads from it.
checkpoint_timeout = 15min
max_wal_size = 256MB
min_wal_size = 32MB
max_wal_senders = 4
wal_compression = on
log_checkpoints = off
autovacuum = on
autovacuum_max_workers = 3
autovacuum_naptime = 20s
log_autovacuum_min_duration = -1
# Starts, stops and disasters are logged; statements and their errors, which quote spoken words, are not.
log_min_messages = log
log_min_error_statement = panic
log_statement = none
log_line_prefix = '%m [%p] '
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
";

pub(super) const HBA: &str = "\
# Written by sphereconnect at each start. Only the users in pg_ident.conf get in, and only through the socket.
local all all peer map=keeper
local replication keeper peer map=keeper
";

const IDENT: &str = "\
# Written by sphereconnect at each start: the server's own user and root are the keeper.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_account_and_root_are_the_keeper() {
        let lines = |account: &str| ident(account).lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines("postgres"), [r#"keeper "postgres" keeper"#, r#"keeper "root" keeper"#]);
        assert_eq!(lines("root"), [r#"keeper "root" keeper"#]);
        assert_eq!(lines("a \"b").first().map(String::as_str), Some(r#"keeper "a ""b" keeper"#));
    }

    #[test]
    fn every_setting_is_filled_in() {
        assert!(postgresql("").contains(&format!("max_connections = {CONNECTIONS_MAX}\n")));
        assert!(!postgresql("").contains('{'));
    }
}
