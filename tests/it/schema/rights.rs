//! Rights, held by the database itself: plain SQL with the program's role, each statement with the one right it takes
//! and with all the others.

use super::{ids, run, world};
use crate::support::TestDb;

const RIGHTS: [&str; 12] = [
    "view_objectives",
    "create_objective",
    "manage_objectives",
    "view_tasks",
    "manage_tasks",
    "manage_users",
    "manage_squads",
    "manage_ranks",
    "manage_guilds",
    "create_category",
    "manage_categories",
    "manage_rbac",
];

/// Rows `right | statement`: what a sergeant (level 2) may do with exactly that right.
const NEEDS: &str = "
    create_objective | insert into objectives (guild_id, name, description, priority, squad_id)
        values (@a0, 'New', '{\"brief\":\"x\",\"metrics\":{\"target_value\":5}}', 'high', @a5)
    create_objective | with made as (insert into objectives (guild_id, name) values (@a0, 'New') returning id)
        select from made
    manage_objectives | update objectives set name = 'New' where id = @aa
    manage_objectives | update objectives set priority = 'low' where id = @aa
    manage_objectives | update objectives set lead_id = @a8 where id = @aa
    manage_objectives | update objectives set squad_id = null where id = @aa
    manage_objectives | update objectives set applicable_rank = 'Recruit' where id = @aa
    manage_objectives | update objectives set preferences = '{x}' where id = @aa
    manage_objectives | select category_unlink(@aa, @a9)
    manage_objectives | insert into objective_categories (guild_id, name) values (@a0, 'New')
    manage_objectives | update objective_categories set name = 'New' where id = @a9
    manage_objectives | select objective_describe(@aa, 'brief', 'new')
    manage_objectives | select objective_set_metrics(@aa, '{\"target_value\":9}')
    manage_tasks | insert into tasks (guild_id, objective_id, name) values (@a0, @aa, 'New')
    manage_tasks | update tasks set lead_id = @a8 where id = @ac
    manage_tasks | update tasks set squad_id = null where id = @ac
    manage_tasks | update tasks set status = 'completed' where id = @ac
    manage_tasks | update tasks set self_assignment = false where id = @ac
    manage_tasks | update tasks set description = 'x' where id = @ac
    manage_tasks | update tasks set schedule = '{\"duration\":5}' where id = @ac
    manage_users | update users set availability = 'busy' where id = @a8
    manage_users | update users set phonetic = 'x' where id = @a8
    manage_users | update users set name = 'New' where id = @a8
    manage_users | insert into users (guild_id, name) values (@a0, 'New')
    manage_users | select member_remove(@a8)
    manage_squads | insert into squads (guild_id, name) values (@a0, 'New')
    manage_squads | update squads set squad_lead = @a8 where id = @a5
    manage_squads | update users set squad_id = @a5 where id = @a8
    manage_squads | select squad_disband(@a5)
    manage_ranks | update users set rank = null where id = @a8
    manage_ranks | insert into ranks (guild_id, name, hierarchy_level) values (@a0, 'New', 9)
    manage_ranks | update ranks set name = 'New' where id = @a4
    manage_ranks | update ranks set clearance = 'tactical' where id = @a4
    manage_guilds | update guilds set description = 'x'
    manage_guilds | insert into access_levels (guild_id, name) values (@a0, 'New')
    manage_guilds | update ai_commanders set system_prompt = 'x'
    view_objectives | select from objectives where id = @aa
    view_objectives | select from objective_categories_junction where objective_id = @aa
    view_tasks | select from tasks where id = @ac
";

/// Who else may: these statements go through without the right, too.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    // Who makes or manages a thing sees it.
    ("select from objectives", &["create_objective", "manage_objectives"]),
    ("select from objective_categories_junction", &["create_objective", "manage_objectives"]),
    ("select from tasks", &["manage_tasks"]),
    ("insert into objective_categories ", &["create_category", "manage_categories"]),
    ("update objective_categories ", &["manage_categories"]),
    ("insert into access_levels", &["manage_rbac"]),
];

/// Gives the sergeants of guild a these rights and no others. The officer keeps all.
async fn sergeants_may(db: &TestDb, rights: &[&str]) {
    let mut owner = db.pool.acquire().await.unwrap();
    let level = "insert into access_levels (guild_id, id, name) values (@a0, @af, 'Field') on conflict do nothing;
        update ranks set access_levels = array[@af]::uuid[] where id = @a3;";
    let set = format!("{level} update access_levels set user_actions = '{{{}}}' where id = @af", rights.join(","));
    run(&mut owner, &set).await.unwrap();
}

/// What came of a statement: `done` when it touched a row, `nothing`, or the SQLSTATE. Nothing is kept.
async fn tried(db: &TestDb, token: &str, sql: &str) -> String {
    let mut app = db.app_login().await;
    run(&mut app, &format!("begin; select set_config('sphereconnect.token', '{token}', true)")).await.unwrap();
    let came = match run(&mut app, sql).await {
        Ok(0) => "nothing".to_owned(),
        Ok(_) => "done".to_owned(),
        Err(error) => error.as_database_error().and_then(|one| one.code()).unwrap().into_owned(),
    };
    run(&mut app, "rollback").await.unwrap();
    came
}

fn rules() -> Vec<(String, String)> {
    let text = NEEDS.replace("\n        ", " ");
    let rows = text.lines().filter(|line| !line.trim().is_empty());
    rows.map(|row| row.trim().split_once(" | ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect()
}

/// AL1, RA3, G2: each statement takes exactly its right: with it alone it goes through, with every other it does not.
#[tokio::test]
async fn each_change_takes_its_right() {
    let db = world().await;
    for right in RIGHTS {
        sergeants_may(&db, &[right]).await;
        for (needed, sql) in rules() {
            let excepted = EXCEPTIONS.iter().any(|(what, by)| sql.starts_with(what) && by.contains(&right));
            let came = tried(&db, "a sergeant", &sql).await;
            if needed == right || excepted {
                assert_eq!(came, "done", "with {right}: {sql}");
            } else {
                assert!(came == "42501" || came == "nothing", "with {right} instead of {needed}: {sql}: {came}");
            }
        }
    }
    for (needed, sql) in rules() {
        let others: Vec<&str> = RIGHTS
            .into_iter()
            .filter(|one| {
                *one != needed && !EXCEPTIONS.iter().any(|(what, by)| sql.starts_with(what) && by.contains(one))
            })
            .collect();
        sergeants_may(&db, &others).await;
        let came = tried(&db, "a sergeant", &sql).await;
        assert!(came == "42501" || came == "nothing", "with all but {needed}: {sql}: {came}");
    }
}

/// Rows `token | statement`, all tried as they stand; `set up` runs before as the owner.
async fn all(db: &TestDb, wanted: &[&str], rows: &[(&str, &str)]) {
    for (token, sql) in rows {
        let came = tried(db, token, sql).await;
        assert!(wanted.contains(&came.as_str()), "{token}: {}: {came}", ids(sql));
    }
}

/// TA6, TA7, OB8: what leading a thing allows, and taking a free task, without any right.
#[tokio::test]
async fn leads_and_volunteers_need_no_right() {
    let db = world().await;
    let mut owner = db.pool.acquire().await.unwrap();
    run(
        &mut owner,
        "insert into tasks (guild_id, id, objective_id, name, self_assignment, squad_id, lead_id) values
            (@a0, @a1, @aa, 'Free', true, null, null), (@a0, @a2, @aa, 'Closed', false, null, null),
            (@a0, @a3, @aa, 'Other squad', true, @a5, null), (@a0, @a4, @aa, 'Own', true, null, @a8);
        update objectives set lead_id = @a8 where id = @aa",
    )
    .await
    .unwrap();
    all(
        &db,
        &["done"],
        &[
            ("a recruit", "update tasks set lead_id = @a8 where id = @a1"),
            ("a recruit", "update tasks set lead_id = null where id = @a4"),
            ("a recruit", "update tasks set status = 'completed' where id = @a4"),
            ("a recruit", "update tasks set progress = 5, priority = 'high' where id = @a4"),
            ("a recruit", "update tasks set schedule = '{\"duration\":5}' where id = @a4"),
            ("a recruit", "update objectives set status = 'on_hold', priority = 'low', progress = 5 where id = @aa"),
            ("a recruit", "update users set squad_id = @a5 where id = @a8"),
            (
                "a recruit",
                "update users set availability = 'busy', phonetic = 'kal', preferences = '{x}' where id = @a8",
            ),
            ("a recruit", "select objective_measure(@aa, 'gold', 5)"),
        ],
    )
    .await;
    all(
        &db,
        &["42501", "nothing"],
        &[
            ("a recruit", "update tasks set lead_id = @a7 where id = @a1"),
            ("a recruit", "update tasks set lead_id = @a8, status = 'completed' where id = @a1"),
            ("a recruit", "update tasks set status = 'completed' where id = @a1"),
            ("a recruit", "update tasks set lead_id = @a8 where id = @a2"),
            ("a recruit", "update tasks set lead_id = @a8 where id = @a3"),
            ("a recruit", "update tasks set lead_id = @a8 where id = @ac"),
            ("a recruit", "update tasks set lead_id = @a7 where id = @a4"),
            ("a recruit", "update tasks set name = 'x' where id = @a4"),
            ("a recruit", "update tasks set self_assignment = false where id = @a4"),
            ("a recruit", "update tasks set squad_id = @a5 where id = @a4"),
            ("a recruit", "update tasks set description = 'x' where id = @a4"),
            ("a recruit", "update objectives set lead_id = null where id = @aa"),
            ("a recruit", "update objectives set name = 'x' where id = @aa"),
            (
                "a recruit",
                "insert into objective_categories_junction (guild_id, objective_id, category_id)
                values (@a0, @aa, @a9)",
            ),
            ("a recruit", "delete from objective_categories_junction where objective_id = @aa"),
            ("a recruit", "select objective_describe(@aa, 'brief', 'x')"),
            ("a recruit", "update users set squad_id = @a5 where id = @a7"),
            ("a recruit", "update users set availability = 'busy' where id = @a7"),
            ("a recruit", "update users set name = 'x' where id = @a8"),
            ("a recruit", "select from tasks where id in (@ac, @ad, @a2)"),
        ],
    )
    .await;
}

/// RA2, I-17, I-21: nobody climbs: not by ranks, not by access levels, not by clearance, not by seniors' rows.
#[tokio::test]
async fn nobody_climbs() {
    let db = world().await;
    // What the officer has, too: who gives a rank must have all of it.
    sergeants_may(&db, &RIGHTS[..9]).await;
    let mut owner = db.pool.acquire().await.unwrap();
    run(&mut owner, "update access_levels set user_actions = user_actions || '{beyond}' where id = @a1").await.unwrap();
    drop(owner);
    all(
        &db,
        &["42501", "nothing"],
        &[
            ("a sergeant", "update users set rank = @a2 where id = @a7"),
            ("a sergeant", "update users set rank = @a2 where id = @a8"),
            ("a sergeant", "update users set rank = @a3 where id = @a8"),
            ("a sergeant", "update users set rank = @a4 where id = @a6"),
            ("a sergeant", "update users set rank = null where id = @a7"),
            ("a sergeant", "insert into users (guild_id, name, rank) values (@a0, 'New', @a3)"),
            ("a sergeant", "insert into ranks (guild_id, name, hierarchy_level) values (@a0, 'New', 2)"),
            (
                "a sergeant",
                "insert into ranks (guild_id, name, hierarchy_level, clearance)
                values (@a0, 'New', 9, 'classified')",
            ),
            (
                "a sergeant",
                "insert into ranks (guild_id, name, hierarchy_level, access_levels)
                values (@a0, 'New', 9, array[@a1]::uuid[])",
            ),
            ("a sergeant", "update ranks set access_levels = array[@a1]::uuid[] where id = @a4"),
            ("a sergeant", "update ranks set clearance = 'classified' where id = @a4"),
            ("a sergeant", "update ranks set hierarchy_level = 1 where id = @a4"),
            ("a sergeant", "update ranks set clearance = 'classified' where id = @a3"),
            ("a sergeant", "update ranks set hierarchy_level = 9 where id = @a2"),
            ("a sergeant", "delete from ranks where id = @a3"),
            ("a sergeant", "update access_levels set user_actions = '{}' where id = @a1"),
            ("a sergeant", "update access_levels set user_actions = user_actions || '{beyond}' where id = @af"),
            ("a sergeant", "insert into access_levels (guild_id, name, user_actions) values (@a0, 'New', '{beyond}')"),
            ("a sergeant", "delete from access_levels where id = @a1"),
            ("a sergeant", "select member_remove(@a6)"),
            ("a sergeant", "select member_remove(@a7)"),
            ("a sergeant", "update users set name = 'x' where id = @a6"),
            (
                "a sergeant",
                "insert into objectives (guild_id, name, description)
                values (@a0, 'New', '{\"classified\":\"x\"}')",
            ),
            ("a sergeant", "insert into objectives (guild_id, name, applicable_rank) values (@a0, 'New', 'Officer')"),
            ("a sergeant", "select objective_describe(@aa, 'classified', 'x')"),
            ("a sergeant", "select objective_set_metrics(@ab, '{}')"),
            ("a sergeant", "update guilds set name = 'New'"),
        ],
    )
    .await;
    all(
        &db,
        &["done"],
        &[
            (
                "a sergeant",
                "insert into access_levels (guild_id, name, user_actions) values (@a0, 'New', '{view_tasks}')",
            ),
            ("a sergeant", "update access_levels set user_actions = '{view_tasks}' where id = @af"),
            (
                "a sergeant",
                "insert into ranks (guild_id, name, hierarchy_level, clearance, access_levels)
                values (@a0, 'New', 9, 'tactical', array[@af]::uuid[])",
            ),
            ("a sergeant", "insert into users (guild_id, name, rank, squad_id) values (@a0, 'New', @a4, @a5)"),
            (
                "a sergeant",
                "insert into objectives (guild_id, name, description, lead_id, applicable_rank)
                values (@a0, 'New', '{\"tactical\":\"x\"}', @a8, 'Sergeant')",
            ),
            ("a officer", "update ranks set clearance = 'classified' where id = @a3"),
            ("a officer", "select member_remove(@a7)"),
        ],
    )
    .await;
}

/// OB5, CA2: a category can be given while an objective is being made, by who may make one, and not later.
#[tokio::test]
async fn a_new_objective_gets_its_category() {
    let db = world().await;
    sergeants_may(&db, &["create_objective"]).await;
    let link = "insert into objective_categories_junction (guild_id, objective_id, category_id)
        select guild_id, id, @a9 from objectives where name = 'New'";
    let make = "insert into objectives (guild_id, name) values (@a0, 'New')";
    all(&db, &["done"], &[("a sergeant", &format!("{make}; {link}"))]).await;
    let mut owner = db.pool.acquire().await.unwrap();
    run(&mut owner, make).await.unwrap();
    all(&db, &["42501"], &[("a sergeant", link)]).await;
}

/// I-9: a member who leads and is led by is removed with nothing left pointing at them.
#[tokio::test]
async fn a_removed_member_leaves_nothing_behind() {
    let db = world().await;
    let mut owner = db.pool.acquire().await.unwrap();
    run(
        &mut owner,
        "update squads set squad_lead = @a7 where id = @a5; update objectives set lead_id = @a7 where id = @ab;
        update tasks set lead_id = @a7 where id = @ad",
    )
    .await
    .unwrap();
    let mut app = db.app_login().await;
    run(&mut app, "begin; select set_config('sphereconnect.token', 'a officer', true)").await.unwrap();
    run(&mut app, "select member_remove(@a7); commit").await.unwrap();
    let left =
        "select (select count(*) from users where id = @a7) + (select count(*) from squads where squad_lead = @a7)
        + (select count(*) from objectives where lead_id = @a7) + (select count(*) from tasks where lead_id = @a7)
        + (select count(*) from user_sessions where user_id = @a7)";
    assert_eq!(super::value(&mut owner, left).await, "0");
}
