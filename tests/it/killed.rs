//! The program is killed again and again in the middle of a batch, and no order is lost or done twice.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sphereconnect::store::embedded::{DATABASE, Embedded, EmbeddedOptions};
use sqlx::{Connection, PgConnection};

use crate::support::demo::{ARCHON, FILE, run_now};
use crate::support::{folder, program};

/// How often the program is killed.
const KILLS: u64 = 50;
/// What every run draws its random moments from.
const SEED: u64 = 0x5eed_0fc0_ffee;
/// The longest pause between a line of the program and the kill that follows it, in milliseconds.
const PAUSE_MS_MAX: u64 = 25;
/// The longest the database's processes may outlive a killed program.
const GONE_MAX: Duration = Duration::from_secs(20);
/// Reports of 1 each, with other orders between them. A batch that is done is followed by the next one, so that every
/// kill meets orders that are still to be done.
const BATCH: [&str; 14] = [
    "Report one ton for Copper Harvest",
    "Assign jam the relay to Veshkar",
    "Report one ton for Copper Harvest",
    "Report one ton for Copper Harvest",
    "Assign jam the relay to Bjornulf",
    "Report one ton for Copper Harvest",
    "Mark scan the belt as in progress and give scan the belt to Xiulan",
    "Report one ton for Copper Harvest",
    "Report one ton for Copper Harvest",
    "Assign scan the belt to Biscuit",
    "Report one ton for Copper Harvest",
    "Set priority of Ghost Convoy to critical",
    "Report one ton for Copper Harvest",
    "Report one ton for Copper Harvest",
];

/// A small generator of repeatable numbers (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// When a program is killed.
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after it has printed so many turns.
    AfterTurns(u64, Duration),
}

#[test]
fn fifty_kills_lose_nothing_and_do_nothing_twice() {
    let folder = folder();
    let mut import = program(folder.path());
    import.args(["guild", "import", FILE]);
    run_now(import).expect(0, &[]);

    let began = Instant::now();
    let mut batches = 1;
    run_now(say(folder.path(), batches)).expect(0, &[]);
    let usual = u64::try_from(began.elapsed().as_millis()).unwrap();
    batches += 1;

    let mut dice = Dice(SEED);
    let (mut killed, mut too_late) = (0, 0);
    let mut turns_at_kill = [0_u32; BATCH.len() + 1];
    while killed < KILLS {
        // Half of them anywhere in its life, half among the orders.
        let moment = if killed % 2 == 0 {
            Moment::After(Duration::from_millis(dice.below(usual * 11 / 10)))
        } else {
            let turns = dice.below(BATCH.len() as u64);
            Moment::AfterTurns(turns, Duration::from_millis(dice.below(PAUSE_MS_MAX)))
        };
        let (was_killed, turns) = run_and_kill(say(folder.path(), batches), &moment);
        turns_at_kill[turns] += 1;
        killed += 1;
        if !was_killed {
            too_late += 1;
        }
        if turns == BATCH.len() {
            batches += 1;
        }
    }
    run_now(say(folder.path(), batches)).expect(0, &[]);
    println!(
        "{killed} kills in {:.1} s, {too_late} of them too late; turns printed before the kill: {turns_at_kill:?}; \
         {batches} batches",
        began.elapsed().as_secs_f64()
    );
    gone(folder.path(), "after its end");
    check(folder.path(), batches);

    // And the last kill leaves no process behind either.
    let mut last = spawn(say(folder.path(), batches + 1));
    assert!(lines(&mut last).next().is_some(), "it prints its first turn");
    last.kill().unwrap();
    last.wait().unwrap();
    gone(folder.path(), "after a kill");
}

fn say(data: &Path, batch: u64) -> Command {
    let mut command = program(data);
    command.args(["--json", "--as", ARCHON, "say", "--batch", &format!("night-{batch}")]).args(BATCH);
    command
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

/// Whether the kill was in time, and how many turns were printed.
fn run_and_kill(command: Command, moment: &Moment) -> (bool, usize) {
    let mut child = spawn(command);
    let mut lines = lines(&mut child);
    let mut printed: Vec<String> = Vec::new();
    match moment {
        Moment::After(delay) => std::thread::sleep(*delay),
        Moment::AfterTurns(turns, pause) => {
            printed.extend(lines.by_ref().take(usize::try_from(*turns).unwrap()));
            std::thread::sleep(*pause);
        }
    }
    let in_time = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    printed.extend(lines);
    // The last line may be cut off; every whole one is a turn that was applied.
    let turns: Vec<Value> = printed.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for turn in &turns {
        assert_eq!(turn["outcome"], "applied", "{turn}");
    }
    (in_time, turns.len())
}

/// Reads the database as its keeper.
fn check(data: &Path, batches: u64) {
    let embedded = Embedded::open(&EmbeddedOptions::new(data), &|_| {}).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect_with(&embedded.connect_options(DATABASE)).await.unwrap();
        let mut number =
            async |sql: &'static str| -> i64 { sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap() };
        let batches = i64::try_from(batches).unwrap();
        let reports = i64::try_from(BATCH.iter().filter(|order| order.starts_with("Report")).count()).unwrap();
        let copper = "select (description->'metrics'->>'current_value')::float8::int8 from objectives \
                      where name = 'Copper Harvest'";
        assert_eq!(number(copper).await, 120 + batches * reports, "every report once");
        let orders = batches * i64::try_from(BATCH.len()).unwrap();
        assert_eq!(number("select count(*) from journal where outcome = 'applied'").await, orders, "one row an order");
        assert_eq!(number("select count(*) from journal").await, orders);
        assert_eq!(number("select count(distinct utterance_id) from journal").await, orders);
        let leads = "select count(*) from tasks t join users u on u.id = t.lead_id where (t.name, u.name) in \
                     (('Jam the Relay', 'Bjornulf'), ('Scan the Belt', 'Biscuit')) ";
        assert_eq!(number(leads).await, 2);
        let convoy = "select count(*) from objectives where name = 'Ghost Convoy' and priority = 'critical'";
        assert_eq!(number(convoy).await, 1);
        let both = "select count(*) from journal j where jsonb_array_length(commands) = 2 and 2 = ( \
                    select count(*) from journal_changes c \
                    where c.guild_id = j.guild_id and c.created_at = j.created_at and c.made_in = j.made_in)";
        assert_eq!(number(both).await, batches);
        connection.close().await.unwrap();
    });
    embedded.close();
}

/// Waits until no process works in the data folder any more.
fn gone(data: &Path, when: &str) {
    let began = Instant::now();
    loop {
        let left = working_in(data);
        if left.is_empty() {
            return;
        }
        assert!(began.elapsed() < GONE_MAX, "{when} these are left: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// PostgreSQL's processes have the data folder as their working folder.
fn working_in(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let here = |process: &Path| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    processes
        .filter(|process| here(process))
        .map(|process| fs::read_to_string(process.join("cmdline")).unwrap_or_default().replace('\0', " "))
        .collect()
}
