//! Rows of data through `parse`, `render` and `normalised`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

use proptest::prelude::*;

use super::*;

/// Every problem of a text, a line each.
fn problems(text: &str) -> String {
    match parse(text) {
        Ok(_) => "no problem".to_owned(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

/// One problem expected below a valid `[guild]`, which takes two lines.
fn check(below: &str, expected: &str) {
    assert_eq!(problems(&format!("[guild]\nname = \"G\"\n{below}")), expected, "{below}");
}

#[test]
fn a_guild_needs_no_more_than_a_name() {
    let file = parse("[guild]\nname = \" Stanton Irregulars \"").unwrap();
    assert_eq!(file.name.as_str(), "Stanton Irregulars");
    assert_eq!(render(&file), "[guild]\nname = \"Stanton Irregulars\"\n");
}

#[test]
fn a_problem_names_its_line_its_place_and_the_remedy() {
    assert_eq!(problems(""), "line 1: the table [guild] with the guild's name is missing");
    assert_eq!(problems("guild = 3"), "line 1: guild: expected a table, found an integer");
    assert_eq!(problems("[guild]\n"), "line 1: guild: \"name\" is missing");
    check("\n[[rank]]\nname = \"A\"", "line 4: rank[0]: \"hierarchy_level\" is missing");
    check("[[member]]\nname = 3", "line 4: member[0].name: expected a string, found an integer");
    check("[[member]]\nname = \" \"", "line 4: member[0].name: a name cannot be empty");
    check(
        "[[member]]\nname = \"a\\tb\"",
        "line 4: member[0].name: a name cannot hold line breaks or control characters",
    );
    check(
        &format!("[[member]]\nname = \"{}\"", "x".repeat(121)),
        "line 4: member[0].name: a name has at most 120 characters",
    );
    check("[member]\nname = \"A\"", "line 3: member: expected an array of tables, [[member]], found a table");
    check("member = [3]\n", "line 3: guild.member: unknown key \"member\"");
    check(
        "[[member]]\nname = \"A\"\nphonetics = \"a\"",
        "line 5: member[0].phonetics: unknown key \"phonetics\"; did you mean \"phonetic\"?",
    );
    check(
        "[[objective]]\nname = \"A\"\npriority = \"urgent\"",
        "line 5: objective[0].priority: \"urgent\" is no priority; use critical, high, medium or low",
    );
    check(
        "[[objective]]\nname = \"A\"\nprogress = 120",
        "line 5: objective[0].progress: progress is 0 to 100, not 120",
    );
    check("[[objective]]\nname = \"A\"\nprogress = nan", "line 5: objective[0].progress: expected a finite number");
    check(
        "[[objective]]\nname = \"A\"\nstatus = \"completed\"\nprogress = 40",
        "line 6: objective[0].progress: what is completed has a progress of 100, not 40",
    );
    check(
        "[[objective]]\nname = \"A\"\n[objective.metrics]\ntarget_value = \"many\"",
        "line 6: objective[0].metrics.target_value: expected a number, found a string",
    );
    check(
        "[[access_level]]\nname = \"A\"\nuser_actions = [\"manage_squad\"]",
        "line 5: access_level[0].user_actions[0]: no action is called \"manage_squad\"; did you mean \"manage_squads\"?",
    );
    check(
        "[[rank]]\nname = \"Officer\"\nhierarchy_level = 1\n[[member]]\nname = \"A\"\nrank = \"Oficer\"",
        "line 8: member[0].rank: no rank is called \"Oficer\"; did you mean \"Officer\"?",
    );
    check(
        "[[rank]]\nname = \"A\"\nhierarchy_level = 1\n[[rank]]\nname = \"B\"\nhierarchy_level = 1",
        "line 8: rank[1].hierarchy_level: the hierarchy_level \"1\" is already on line 5",
    );
    check(
        "[[rank]]\nname = \"A\"\nhierarchy_level = 0",
        "line 5: rank[0].hierarchy_level: hierarchy_level is 1 to 10000, not 0",
    );
    check(
        "[[squad]]\nname = \"Anvil\"\n[[squad]]\nname = \"ANVIL\"",
        "line 6: squad[1].name: a squad called \"ANVIL\" is already on line 4",
    );
    check(
        "[[objective]]\nname = \"A\"\n[[objective.task]]\nname = \"T\"\n[[objective.task]]\nname = \"t\"",
        "line 8: objective[0].task[1].name: a task called \"t\" is already on line 6",
    );
}

#[test]
fn a_schedule_is_checked_as_the_database_checks_it() {
    let task = "[[objective]]\nname = \"A\"\n[[objective.task]]\nname = \"T\"\nschedule = ";
    let at = "line 7: objective[0].task[0].schedule";
    let rows = [
        (
            "{ start = 2954-01-15T14:00:00Z, end = \"2954-01-15T15:00:00+01:00\", duration = 0 }",
            "no problem".to_owned(),
        ),
        (
            "{ start = 2954-01-15T14:00:00Z, end = 2954-01-15T13:00:00Z }",
            format!("{at}.end: the end is before the start"),
        ),
        (
            "{ start = 2954-01-15T14:00:00Z, end = 2954-01-15T16:00:00Z, duration = 60 }",
            format!("{at}.duration: from start to end it is 120 minutes"),
        ),
        (
            "{ start = 2954-01-15T14:00:00 }",
            format!("{at}.start: expected a date, a time and its offset, such as 2954-01-15T14:00:00Z"),
        ),
        ("{ duration = 1.5 }", format!("{at}.duration: expected an integer, found a float")),
        ("{ flexible = \"no\" }", format!("{at}.flexible: expected a boolean, found a string")),
        (
            "{ timezone = \"Europe/Berlim\" }",
            format!(
                "{at}.timezone: \"Europe/Berlim\" is no IANA time zone, such as Europe/Berlin; \
                 did you mean \"Europe/Berlin\"?"
            ),
        ),
        ("{ strat = 3 }", format!("{at}.strat: unknown key \"strat\"; did you mean \"start\"?")),
        ("[]", format!("{at}: expected a table, found an array")),
    ];
    for (schedule, expected) in rows {
        check(&format!("{task}{schedule}"), &expected);
    }
}

#[test]
fn broken_syntax_is_all_that_is_reported_while_it_lasts() {
    let found = parse("[guild]\nname = Kestrel\n[[rank]\nname = \"A\"").unwrap_err();
    assert!(
        found.iter().any(|problem| problem.line == 2) && found.iter().any(|problem| problem.line == 3),
        "{found:?}"
    );
    assert!(parse("[guild]\nname = \"a\"\nname = \"b\"").unwrap_err()[0].line == 3);
    assert!(parse(&"[".repeat(100_000)).is_err(), "depth has a limit");
    assert!(parse(&" ".repeat(FILE_BYTES_MAX + 1)).unwrap_err()[0].message.contains("at most"));
}

#[test]
fn too_many_of_anything_is_a_problem() {
    let ranks: String =
        (0..=RANKS_MAX).map(|i| format!("[[rank]]\nname = \"R{i}\"\nhierarchy_level = {}\n", i + 1)).collect();
    check(&ranks, "line 3: rank: at most 200 of [[rank]], not 201");
    let preferences = vec!["\"x\""; LIST_MAX + 1].join(",");
    check(
        &format!("[[member]]\nname = \"A\"\npreferences = [{preferences}]"),
        "line 5: member[0].preferences: at most 100 entries, not 101",
    );
}

#[test]
fn references_are_spelled_as_what_they_name() {
    let file = parse(
        "[guild]\nname=\"G\"\n[[squad]]\nname=\"Anvil\"\nlead=\"KESTREL\"\n[[member]]\nname=\"Kestrel\"\nsquad=\"\"",
    );
    let file = file.unwrap();
    assert_eq!(file.squads[0].lead, Said::To(Name::new("Kestrel").unwrap()));
    assert_eq!(file.members[0].squad, Said::Cleared);
    assert_eq!(file.members[0].rank, Said::Unsaid);
    assert_eq!(file.normalised().members[0].squad, Said::Unsaid);
}

#[test]
fn progress_that_the_metrics_say_is_not_written() {
    let file = |progress: &str| {
        let text = format!(
            "[guild]\nname=\"G\"\n[[objective]]\nname=\"A\"\n{progress}\n[objective.metrics]\ntarget_value=3\ncurrent_value=1"
        );
        parse(&text).unwrap().normalised().objectives[0].progress.map(Percent::get)
    };
    assert_eq!(file("progress = 33.333333"), None);
    assert_eq!(file("progress = 0"), Some(0.0));
    assert_eq!(file(""), None);
}

fn text() -> impl Strategy<Value = String> {
    // Quotes, backslashes, line breaks and what is not ASCII are what a writer gets wrong.
    "[a-zA-Z0-9 '\"\\\\\n\t#=\\[\\]{}äßΣ日🚀-]{0,40}".prop_map(|text| text.trim().to_owned())
}

fn name() -> impl Strategy<Value = Name> {
    text().prop_map(|text| {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        Name::new(&format!("n{text}")).unwrap_or_else(|error| panic!("{error}"))
    })
}

fn said<T: std::fmt::Debug + Clone>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Said<T>> {
    prop_oneof![Just(()).prop_map(|()| None), value.prop_map(Some)]
        .prop_map(|value| value.map_or(Said::Unsaid, Said::To))
}

fn said_text() -> impl Strategy<Value = Said<String>> {
    said(text()).prop_map(|said| if said == Said::To(String::new()) { Said::Cleared } else { said })
}

fn respelling() -> impl Strategy<Value = Said<String>> {
    said(name()).prop_map(|said| match said {
        Said::To(name) => Said::To(name.to_string()),
        _ => Said::Cleared,
    })
}

prop_compose! {
    fn schedule()(
        start in proptest::option::of(0_i64..40_000_000_000), minutes in 0_u32..100_000,
        length in any::<bool>(), flexible in any::<Option<bool>>(), utc in any::<bool>(),
    ) -> Schedule {
        let start = start.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        Schedule {
            start,
            end: start.map(|start| start + chrono::TimeDelta::minutes(minutes.into())),
            duration: length.then_some(minutes),
            flexible,
            timezone: utc.then(|| "UTC".to_owned()),
        }
    }
}

prop_compose! {
    fn task()(
        name in name(), phonetic in respelling(), description in said_text(), progress in proptest::option::of(0.0..100.0),
        status in 0_usize..3, self_assignment in any::<Option<bool>>(), schedule in proptest::option::of(schedule()),
    ) -> Task {
        Task {
            name, phonetic, description,
            status: [None, Some(TaskStatus::InProgress), Some(TaskStatus::OnHold)][status],
            priority: Some(Priority::Low),
            progress: progress.and_then(Percent::new),
            self_assignment, lead: Said::Cleared, squad: Said::Unsaid, schedule,
        }
    }
}

prop_compose! {
    fn objective()(
        name in name(), brief in said_text(), classified in said_text(), progress in proptest::option::of(0.0..100.0),
        metrics in proptest::collection::btree_map(name().prop_map(|name| name.to_string()), -1e14..1e14, 0..4),
        whole in 0_i32..1_000_000, tasks in proptest::collection::vec(task(), 0..4),
    ) -> Objective {
        let mut metrics = metrics;
        metrics.insert("target_value".to_owned(), whole.into());
        let mut tasks = tasks;
        tasks.sort_by_cached_key(|task| task.name.as_str().to_lowercase());
        tasks.dedup_by_key(|task| task.name.as_str().to_lowercase());
        Objective {
            name, phonetic: Said::Unsaid, priority: None, status: Some(ObjectiveStatus::OnHold),
            progress: progress.and_then(Percent::new), applicable_rank: Said::Unsaid,
            preferences: Some(vec!["mining".to_owned()]), categories: Some(vec![]),
            lead: Said::Unsaid, squad: Said::Cleared, brief, tactical: Said::Unsaid, classified, metrics, tasks,
        }
    }
}

prop_compose! {
    fn guild_file()(
        name in name(), description in said_text(), system in text(), user_prompt in said_text(),
        failures in proptest::option::of(1..101), days in proptest::option::of(0..36_501),
        members in proptest::collection::vec((name(), respelling()), 0..5),
        objectives in proptest::collection::vec(objective(), 0..4),
    ) -> GuildFile {
        let mut members = members;
        members.sort_by_cached_key(|(name, _)| name.as_str().to_lowercase());
        members.dedup_by_key(|(name, _)| name.as_str().to_lowercase());
        let lead = members.first().map(|(name, _)| name.clone());
        let members = members.into_iter().map(|(name, phonetic)| Member {
            name, phonetic, rank: Said::Unsaid, squad: Said::Cleared, availability: Some(Availability::InGame),
            preferences: None, password_env: Some("PASSWORD".to_owned()),
        });
        let lead = lead.map_or(Said::Unsaid, Said::To);
        let objectives = objectives.into_iter().map(|objective| Objective { lead: lead.clone(), ..objective });
        GuildFile {
            name, description,
            limits: Limits { sign_in_failures_max: failures, journal_days: days, ..Limits::default() },
            commander: Commander {
                name: None, phonetic: Said::Unsaid, system_prompt: Some(system).filter(|text| !text.is_empty()),
                user_prompt,
            },
            access_levels: vec![AccessLevel { name: Name::new("All").unwrap(), user_actions: Some(USER_ACTIONS.to_vec()) }],
            ranks: vec![], squads: vec![], members: members.collect(), categories: vec![],
            objectives: objectives.collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_rendered_reads_back_as_itself(file in guild_file()) {
        let text = render(&file);
        prop_assert_eq!(parse(&text).map_err(|problems| format!("{problems:?}\n{text}")), Ok(file.clone()));
        let normal = file.normalised();
        prop_assert_eq!(parse(&render(&normal)), Ok(normal.clone()));
        prop_assert_eq!(normal.clone().normalised(), normal);
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(text in "(\\[|\\]|=|\"|\n|name|guild|member|objective|task|[0-9.]|\\PC){0,60}") {
        let _ = parse(&text);
    }
}
