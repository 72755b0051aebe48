//! Guild files, in and out of a real database.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sphereconnect::config::Config;
use sphereconnect::guild_file::{GuildFile, Said, parse, render};
use sphereconnect::store::{Count, GuildError, Store};
use sqlx::PgPool;

use crate::support::{self, TestDb};

const BROKEN: &str = include_str!("../fixtures/guilds/broken.toml");
const DEMO: &str = include_str!("../../src/demo/guild.toml");
/// How long the import of a guild of 2,500 members and 2,000 tasks may take, with room for a busy machine.
const IMPORT_TIME_MAX: Duration = Duration::from_secs(20);

async fn store() -> (TestDb, Store) {
    let database = support::database().await;
    let url = database.url();
    let config = Config::load(None, |name| (name == "SPHERECONNECT_DATABASE_URL").then(|| url.clone())).unwrap();
    let store = Store::open(&config, Arc::new(|_: &str| {})).await.unwrap();
    (database, store)
}

/// Every row an import writes, with its `updated_at`: equal texts mean that nothing was written.
async fn rows(pool: &PgPool) -> String {
    sqlx::query_scalar(
        "select string_agg(line, e'\n' order by line) from (
            select 'guild ' || g::text as line from guilds g union all select 'commander ' || c::text from ai_commanders c
            union all select 'level ' || a::text from access_levels a union all select 'rank ' || r::text from ranks r
            union all select 'squad ' || s::text from squads s union all select 'member ' || u::text from users u
            union all select 'category ' || c::text from objective_categories c
            union all select 'objective ' || o::text from objectives o
            union all select 'link ' || j::text from objective_categories_junction j
            union all select 'task ' || t::text from tasks t) every",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

fn file(text: &str) -> GuildFile {
    parse(text).unwrap()
}

/// Members with every kind of value, objectives of equal names, and tasks with schedules.
fn big(members: usize, tasks: usize) -> String {
    let mut text =
        "[guild]\nname = \"Big\"\n[[access_level]]\nname = \"All\"\nuser_actions = [\"view_tasks\"]\n".to_owned();
    for rank in 1..=9 {
        let level = 10 - rank;
        let clearance = ["brief", "tactical", "classified"][rank % 3];
        writeln!(
            text,
            "[[rank]]\nname = \"Rank {rank}\"\nhierarchy_level = {level}\nclearance = \"{clearance}\"\naccess_levels = [\"All\"]"
        )
        .unwrap();
    }
    for category in 0..20 {
        writeln!(text, "[[category]]\nname = \"Category {category}\"\ndescription = \"Number {category}.\"").unwrap();
    }
    for squad in 0..members.min(100) {
        writeln!(text, "[[squad]]\nname = \"Squad {squad}\"\nphonetic = \"skwod {squad}\"\nlead = \"Member {squad}\"")
            .unwrap();
    }
    for member in 0..members {
        let (rank, squad) = (member % 9 + 1, member % members.min(100));
        let availability = ["online", "busy", "offline", "in_game"][member % 4];
        writeln!(
            text,
            "[[member]]\nname = \"Member {member}\"\nrank = \"Rank {rank}\"\nsquad = \"Squad {squad}\"\n\
             availability = \"{availability}\"\npreferences = [\"mining\", \"night {member}\"]"
        )
        .unwrap();
    }
    for objective in 0..tasks.div_ceil(10) {
        // Every second objective shares its name with the one before.
        let (name, done, category) = (objective / 2, objective % 60, objective % 19);
        writeln!(
            text,
            "[[objective]]\nname = \"Objective {name}\"\npriority = \"high\"\nbrief = \"Brief \\\"{objective}\\\".\"\n\
             applicable_rank = \"Rank 3\"\ncategories = [\"Category {category}\", \"Category 19\"]\n\
             [objective.metrics]\ntarget_value = 60\ncurrent_value = {done}\nyield_rate = 0.1"
        )
        .unwrap();
        for task in 0..10 {
            let (lead, progress, hour) = ((objective * 10 + task) % members, task * 10, task);
            writeln!(
                text,
                "[[objective.task]]\nname = \"Task {task}\"\nstatus = \"in_progress\"\nprogress = {progress}.3\n\
                 lead = \"Member {lead}\"\nself_assignment = false\n\
                 schedule = {{ start = 2954-01-15T1{hour}:00:00Z, duration = 90, timezone = \"UTC\" }}"
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn every_problem_of_a_file_is_named_at_once_with_its_line() {
    let found = parse(BROKEN).unwrap_err();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    line 4: guild.motto: unknown key "motto"
    line 7: commander.system_prompt: a system prompt cannot be empty; leave the key out
    line 11: access_level[0].user_actions[0]: no action is called "manage_task"; did you mean "manage_tasks"?
    line 11: access_level[0].user_actions[2]: no action is called "fly"
    line 16: rank[0].clearance: "secret" is no clearance; use brief, tactical or classified
    line 17: rank[0].access_levels[0]: no access level is called "Operation"; did you mean "Operations"?
    line 20: rank[1].hierarchy_level: the hierarchy_level "1" is already on line 15
    line 21: rank[2]: "hierarchy_level" is missing
    line 26: member[0].rank: no rank is called "Oficer"; did you mean "Officer"?
    line 28: member[0].availability: "asleep" is no availability; use online, busy, offline or in_game
    line 30: member[1].name: a member called "KESTREL" is already on line 25
    line 32: member[2].name: a name cannot be empty
    line 34: member[3].name: expected a string, found an integer
    line 35: member[3].preferences: expected an array of strings, found a string
    line 39: squad[0].lead: no member is called "Kestral"; did you mean "Kestrel"?
    line 43: objective[0].priority: "urgent" is no priority; use critical, high, medium or low
    line 44: objective[0].progress: progress is 0 to 100, not 120
    line 45: objective[0].categories[0]: no category is called "Economy"
    line 47: objective[0].metrics.target_value: expected a number, found a string
    line 50: objective[0].task[0].self_assignment: expected a boolean, found a string
    line 51: objective[0].task[0].schedule.end: the end is before the start
    line 51: objective[0].task[0].schedule.timezone: "Mars/Olympus" is no IANA time zone, such as Europe/Berlin
    line 53: objective[0].task[1].name: a task called "scout" is already on line 49
    line 54: objective[0].task[1].lead: no member is called "Nobody"
    line 56: objectiv: unknown key "objectiv"; did you mean "objective"?
    "#);
}

#[tokio::test]
async fn a_second_import_writes_nothing() {
    let (database, store) = store().await;
    for text in [DEMO, &big(50, 100)] {
        let file = file(text);
        let first = store.guild_import(&file).await.unwrap();
        assert!(first.tables.iter().all(|(_, count)| count.changed + count.unchanged + count.kept == 0), "{first:?}");
        assert_eq!(first.table("users").created, file.members.len());
        let before = rows(&database.pool).await;
        let second = store.guild_import(&file).await.unwrap();
        assert!(second.changed_nothing(), "{second:?}");
        assert_eq!(second.table("users").unchanged, file.members.len());
        assert_eq!(rows(&database.pool).await, before);
    }
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let (_database, store) = store().await;
    for text in [DEMO, &big(50, 100)] {
        let file = file(text);
        store.guild_import(&file).await.unwrap();
        let out = store.guild_export(&file.name.as_str().to_uppercase()).await.unwrap();
        assert_eq!(out, file.normalised());
        assert_eq!(parse(&render(&out)), Ok(out.clone()));
        assert!(store.guild_import(&out).await.unwrap().changed_nothing());
    }
}

#[tokio::test]
async fn a_big_guild_is_in_within_seconds() {
    let (_database, store) = store().await;
    let file = file(&big(2_500, 2_000));
    let started = Instant::now();
    let report = store.guild_import(&file).await.unwrap();
    let first = started.elapsed();
    assert_eq!((report.table("users").created, report.table("tasks").created), (2_500, 2_000));
    assert!(store.guild_import(&file).await.unwrap().changed_nothing());
    let second = started.elapsed() - first;
    assert_eq!(store.guild_export("Big").await.unwrap(), file.normalised());
    let third = started.elapsed() - first - second;
    let slowest = first.max(second).max(third);
    assert!(slowest < IMPORT_TIME_MAX, "first import {first:?}, second import {second:?}, export {third:?}");
}

#[tokio::test]
async fn guilds_stand_side_by_side() {
    let (database, store) = store().await;
    let demo = file(DEMO);
    // The same people and objectives under another name.
    let mut twin = demo.clone();
    twin.name = file("[guild]\nname = \"Twin\"").name;
    store.guild_import(&demo).await.unwrap();
    let before = store.guild_export(demo.name.as_str()).await.unwrap();
    let report = store.guild_import(&twin).await.unwrap();
    assert_eq!(report.table("users"), Count { created: twin.members.len(), ..Count::default() });
    twin.members.iter_mut().for_each(|member| member.squad = Said::Cleared);
    store.guild_import(&twin).await.unwrap();
    assert_eq!(store.guild_export(demo.name.as_str()).await.unwrap(), before);
    assert_eq!(store.guild_export("Twin").await.unwrap(), twin.normalised());
    let list = store.guild_list().await.unwrap();
    let tasks: usize = demo.objectives.iter().map(|objective| objective.tasks.len()).sum();
    assert_eq!(list.len(), 2);
    for (guild, name) in list.iter().zip([demo.name.as_str(), "Twin"]) {
        assert_eq!((guild.name.as_str(), guild.tasks), (name, tasks as u64));
        assert_eq!((guild.members, guild.objectives), (demo.members.len() as u64, demo.objectives.len() as u64));
    }
    let error = store.guild_export("Twim").await.unwrap_err();
    assert_eq!(error.to_string(), "no guild is called \"Twim\"; did you mean \"Twin\"?");
    assert!(matches!(error, GuildError::Unknown { .. }));
    drop(database);
}

const SMALL: &str = r#"
[guild]
name = "Small"
[[rank]]
name = "Officer"
hierarchy_level = 1
[[rank]]
name = "Crewman"
hierarchy_level = 2
[[squad]]
name = "Anvil"
[[member]]
name = "Ann"
rank = "Officer"
squad = "Anvil"
[[member]]
name = "Ben"
rank = "Crewman"
[[category]]
name = "Economy"
[[objective]]
name = "Gold Rush"
applicable_rank = "Crewman"
lead = "Ann"
categories = ["Economy"]
[objective.metrics]
target_value = 10
[[objective.task]]
name = "Dig"
"#;

/// The file is changed and imported on top; the row says what became of which table.
#[tokio::test]
async fn a_changed_file_changes_what_it_says_and_nothing_else() {
    let rows = [
        ("lead = \"Ann\"", "lead = \"Ben\"", "objectives"),
        ("lead = \"Ann\"", "lead = \"\"", "objectives"),
        ("name = \"Ann\"", "name = \"ANN\"", "users"),
        ("squad = \"Anvil\"", "squad = \"\"", "users"),
        ("name = \"Dig\"", "name = \"Dig\"\nstatus = \"completed\"", "tasks"),
        ("categories = [\"Economy\"]", "categories = []", "objectives"),
        ("target_value = 10", "target_value = 10\ncurrent_value = 5", "objectives"),
        ("[objective.metrics]\n", "progress = 70\n[objective.metrics]\n", "objectives"),
        ("hierarchy_level = 2", "hierarchy_level = 7", "ranks"),
    ];
    let (database, store) = store().await;
    for (from, to, table) in rows {
        sqlx::query("delete from guilds").execute(&database.pool).await.unwrap();
        store.guild_import(&file(SMALL)).await.unwrap();
        let changed = file(&SMALL.replacen(from, to, 1));
        let report = store.guild_import(&changed).await.unwrap();
        for (name, count) in &report.tables {
            assert_eq!(
                (count.created, count.changed, count.kept),
                (0, usize::from(*name == table), 0),
                "{to} in {name}"
            );
        }
        assert_eq!(store.guild_export("small").await.unwrap(), changed.clone().normalised(), "{to}");
        assert!(store.guild_import(&changed).await.unwrap().changed_nothing(), "{to}");
    }
}

#[tokio::test]
async fn ranks_change_places_and_what_the_file_does_not_say_stays() {
    let (database, store) = store().await;
    store.guild_import(&file(SMALL)).await.unwrap();
    sqlx::raw_sql(
        "update users set availability = 'in_game', pin = 'verifier';
         update tasks set status = 'in_progress', progress = 30;
         update objectives set description = jsonb_set(description, '{metrics,current_value}', '4');
         insert into squads (guild_id, name) select id, 'Rescue' from guilds;",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    let swapped =
        SMALL.replace("level = 1", "level = 3").replace("level = 2", "level = 1").replace("level = 3", "level = 2");
    // Renaming a rank's spelling takes along the objectives that name it.
    let swapped = swapped.replace("\"Crewman\"", "\"CREWMAN\"");
    let report = store.guild_import(&file(&swapped)).await.unwrap();
    assert_eq!((report.table("ranks").changed, report.table("squads").kept), (2, 1));
    let stayed: (String, Option<String>, String, f32, f32) = sqlx::query_as(
        "select u.availability, u.pin, t.status, t.progress, o.progress from users u, tasks t, objectives o
         where u.name = 'Ben' and o.applicable_rank = 'CREWMAN'",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    assert_eq!(stayed, ("in_game".to_owned(), Some("verifier".to_owned()), "in_progress".to_owned(), 30.0, 40.0));
    let passwords = SMALL.replace("name = \"Ben\"", "name = \"Ben\"\npassword_env = \"BEN\"");
    assert_eq!(store.guild_import(&file(&passwords)).await.unwrap().warnings.len(), 1);
}

#[tokio::test]
async fn a_refused_import_changes_nothing_and_says_why() {
    let (database, store) = store().await;
    store.guild_import(&file(SMALL)).await.unwrap();
    sqlx::query("update tasks set status = 'completed'").execute(&database.pool).await.unwrap();
    let before = rows(&database.pool).await;
    let admiral =
        "[guild]\nname = \"Small\"\n[[rank]]\nname = \"Admiral\"\nhierarchy_level = 1\n[[member]]\nname = \"Cid\"";
    let lowered = SMALL.replace("name = \"Dig\"", "name = \"Dig\"\nprogress = 40").replace("\"Ben\"", "\"Dan\"");
    for (text, constraint) in [(admiral, "uk_ranks_guild_hierarchy"), (&lowered, "chk_tasks_completed")] {
        let error = store.guild_import(&file(text)).await.unwrap_err();
        assert!(matches!(&error, GuildError::Refused { constraint: found, .. } if found == constraint), "{error:?}");
        assert!(error.to_string().starts_with("nothing was imported: "), "{error}");
        assert_eq!(rows(&database.pool).await, before);
    }
}

#[tokio::test]
async fn imports_at_the_same_moment_do_not_meet() {
    let (_database, store) = store().await;
    let file = file(DEMO);
    let (a, b, c) = tokio::join!(store.guild_import(&file), store.guild_import(&file), store.guild_import(&file));
    let created = [a, b, c].map(|report| report.unwrap().table("guilds").created);
    assert_eq!(created.iter().sum::<usize>(), 1);
}
