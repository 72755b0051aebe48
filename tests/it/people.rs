//! What people manage, by command and by voice: each as a rank that may and as one that may not, on a server where the
//! program's login is the database's own role for it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

use std::process::Command;

use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::support::demo::{ARCHON, Demo, FILE, Run, changed, run};
use crate::support::{folder, program};

mod files;
mod voice;

/// A marshal, who has the rights about people but none about the guild itself; another of the same rank.
const MARSHAL: &str = "Veshkar";
const OTHER_MARSHAL: &str = "Siobhan Kerr";
/// A boatswain, who may manage objectives and tasks but no people.
const BOATSWAIN: &str = "Wojciech";
/// A starhand, who may manage nothing.
const STARHAND: &str = "Tzipora";

/// The demo guild on a server, where every member signs in.
struct Server {
    demo: Demo,
    /// For the app's own login.
    url: String,
}

impl Server {
    async fn new() -> Self {
        let demo = Demo::new().await;
        let url = demo.db.app_url().await;
        Self { demo, url }
    }

    /// The program with the app's own login.
    fn program(&self) -> Command {
        let mut command = self.demo.program();
        command.env("SPHERECONNECT_DATABASE_URL", &self.url).args(["--guild", "perihelion company"]);
        command
    }

    async fn run(&self, member: &str, args: &[&str]) -> Run {
        let mut command = self.program();
        command.args(["--as", member]).args(args);
        run(command).await
    }

    /// One value as the owner of everything.
    async fn owner(&self, query: &str) -> String {
        let sql = format!("select coalesce(({query})::text, 'null')");
        let found = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.demo.db.pool).await;
        found.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The member may not, is told what it takes, and nothing is changed.
    async fn refuses(&self, member: &str, args: &[&str], says: &str) {
        let before = self.demo.guild_rows().await;
        let journal = self.demo.number("select count(*) from journal").await;
        let run = self.run(member, args).await;
        assert!(run.stdout.is_empty(), "{member} {args:?}: {run:?}");
        run.expect(1, &[says]);
        let after = self.demo.guild_rows().await;
        assert!(before == after, "{member} {args:?} changed {:?}", changed(&before, &after));
        assert_eq!(self.demo.number("select count(*) from journal").await, journal, "{member} {args:?}");
    }

    /// The member may; the database gives this answer then.
    async fn does(&self, member: &str, args: &[&str], says: &str, query: &str, gives: &str) {
        let run = self.run(member, args).await;
        run.expect(0, &[]);
        assert!(run.stdout.contains(says), "{member} {args:?}: no {says:?} in {run:?}");
        assert_eq!(self.owner(query).await, gives, "{member} {args:?}: {query}");
    }
}

const NOVA: &str = "select concat_ws('|', u.name, u.phonetic, r.name, s.name, u.availability) from users u
    left join ranks r on r.id = u.rank left join squads s on s.id = u.squad_id where u.name like 'Nova%'";

/// US3, SQ3, I-9: members by command. Who manages users adds, renames and removes below their own rank; ranks and squads
/// have rights of their own; what is one's own is everybody's to change.
#[tokio::test]
async fn members_are_managed_by_who_may() {
    let server = Server::new().await;
    let add = ["member", "add", "Nova", "--rank", "fledgling", "--squad", "longhaul", "--phonetic", "no va"];
    server.refuses(BOATSWAIN, &add, "may manage squads").await;
    server.refuses(BOATSWAIN, &["member", "add", "Nova", "--rank", "fledgling"], "may manage ranks").await;
    server.refuses(BOATSWAIN, &["member", "add", "Nova"], "manage_users").await;
    server.refuses(MARSHAL, &["member", "add", "Nova", "--rank", "Marshal"], "only below their own").await;
    server.does(MARSHAL, &add, "member Nova was added", NOVA, "Nova|no va|Fledgling|Longhaul|offline").await;
    server.refuses(MARSHAL, &["member", "add", "nova"], "there is a member of that name already").await;

    let rank = ["member", "rank", "Nova", "Starhand"];
    server.refuses(BOATSWAIN, &rank, "manage_ranks").await;
    server.refuses("Tadhg", &["member", "rank", "Tadhg", "Starhand"], "ranks").await;
    server.refuses(MARSHAL, &["member", "rank", MARSHAL, "Archon"], "only below their own").await;
    server.refuses(MARSHAL, &["member", "rank", OTHER_MARSHAL, "none"], "only below their own").await;
    server.does(MARSHAL, &rank, "rank Starhand", NOVA, "Nova|no va|Starhand|Longhaul|offline").await;

    server.refuses(STARHAND, &["member", "squad", "Nova", "none"], "manage_squads").await;
    server.does(MARSHAL, &["member", "squad", "NOVA", "none"], "squad none", NOVA, "Nova|no va|Starhand|offline").await;
    let own = "select s.name from users u join squads s on s.id = u.squad_id where u.name = 'Tzipora'";
    server.does(STARHAND, &["member", "squad", STARHAND, "Longhaul"], "Longhaul", own, "Longhaul").await;

    let of = "select availability from users where name = 'Tzipora'";
    server.does(STARHAND, &["member", "availability", STARHAND, "in game"], "in_game", of, "in_game").await;
    server.refuses(STARHAND, &["member", "availability", "Biscuit", "busy"], "manage_users").await;
    let biscuit = "select availability from users where name = 'Biscuit'";
    server.does(MARSHAL, &["member", "availability", "Biscuit", "Busy"], "busy", biscuit, "busy").await;
    let said = "select phonetic from users where name = 'Tzipora'";
    server.does(STARHAND, &["member", "phonetic", STARHAND, "tsi po ra"], "tsi po ra", said, "tsi po ra").await;
    server.refuses(STARHAND, &["member", "phonetic", "Biscuit", "x"], "manage_users").await;

    server.refuses(STARHAND, &["member", "rename", "Nova", "Novum"], "manage_users").await;
    server.refuses(MARSHAL, &["member", "rename", OTHER_MARSHAL, "Novum"], "a rank above theirs").await;
    server
        .does(
            MARSHAL,
            &["member", "rename", "Nova", "Nova Prime"],
            "Nova Prime",
            NOVA,
            "Nova Prime|no va|Starhand|offline",
        )
        .await;

    // She leads a squad and an objective.
    let kerr = ["member", "remove", "siobhan kerr"];
    server.refuses(MARSHAL, &kerr, "only below their own rank").await;
    server.refuses(BOATSWAIN, &kerr, "manage users").await;
    let led = "select count(*) from squads s join objectives o on o.name = 'Ghost Convoy'
        where s.name = 'Longhaul' and s.squad_lead is null and o.lead_id is null";
    server.does(ARCHON, &kerr, "member Siobhan Kerr was removed", led, "1").await;
    assert_eq!(server.owner("select count(*) from users where name = 'Siobhan Kerr'").await, "0");
}

/// SQ3, I-9: squads by command; who was in one that is disbanded is without.
#[tokio::test]
async fn squads_are_managed_by_who_may() {
    let server = Server::new().await;
    let create = ["squad", "create", "Iron Hand", "--lead", "biscuit"];
    let squad = "select concat_ws('|', s.name, u.name) from squads s left join users u on u.id = s.squad_lead
        where s.name like 'Iron%'";
    server.refuses(BOATSWAIN, &create, "manage_squads").await;
    server.does(MARSHAL, &create, "squad Iron Hand was added: lead Biscuit", squad, "Iron Hand|Biscuit").await;
    server.refuses(MARSHAL, &["squad", "create", "iron hand"], "there is a squad of that name already").await;
    server.refuses(BOATSWAIN, &["squad", "lead", "Iron Hand", BOATSWAIN], "manage_squads").await;
    server.does(MARSHAL, &["squad", "lead", "Iron Hand", "none"], "member none", squad, "Iron Hand").await;
    server.refuses(STARHAND, &["squad", "rename", "Iron Hand", "Iron Fist"], "manage_squads").await;
    server.does(MARSHAL, &["squad", "rename", "Iron Hand", "Iron Fist"], "Iron Fist", squad, "Iron Fist").await;
    server.refuses(BOATSWAIN, &["squad", "disband", "Night Herons"], "manage").await;
    let without = "select count(*) from users where squad_id is null and name in ('Thandiwe', 'Tzipora')";
    server.does(MARSHAL, &["squad", "disband", "night herons"], "Night Herons was removed", without, "2").await;
}

/// RA1, RA2, RA3, I-9: ranks by command, only below one's own, with nothing one does not have; one in use stays.
#[tokio::test]
async fn ranks_are_managed_by_who_may() {
    let server = Server::new().await;
    let rank = "select concat_ws('|', name, hierarchy_level, clearance, phonetic, (select string_agg(l.name, ',')
        from access_levels l where l.id = any (r.access_levels))) from ranks r where hierarchy_level > 5";
    let add = ["rank", "add", "Cadet", "--level", "6", "--clearance", "tactical", "--access", "crew, missions"];
    server.refuses(BOATSWAIN, &add, "manage_ranks").await;
    server.refuses(MARSHAL, &["rank", "add", "Cadet", "--level", "6", "--access", "Council"], "lack themselves").await;
    server.refuses(MARSHAL, &["rank", "add", "Cadet", "--level", "1"], "below their own").await;
    server.refuses(MARSHAL, &["rank", "add", "Cadet", "--level", "5"], "another rank has this level").await;
    server.does(MARSHAL, &add, "rank Cadet was added: level 6", rank, "Cadet|6|tactical|Crew,Missions").await;
    server.refuses(BOATSWAIN, &["rank", "set", "Cadet", "--clearance", "classified"], "manage_ranks").await;
    server.refuses(MARSHAL, &["rank", "set", "Marshal", "--access", ""], "below their own").await;
    server.refuses(MARSHAL, &["rank", "set", "Cadet", "--level", "1"], "below their own").await;
    let set = ["rank", "set", "cadet", "--name", "Recruit", "--level", "7", "--access", "", "--phonetic", "re kroot"];
    server.does(MARSHAL, &set, "access none", rank, "Recruit|7|tactical|re kroot").await;
    server.refuses(MARSHAL, &["rank", "remove", "Starhand"], "members hold this rank").await;
    server.refuses(BOATSWAIN, &["rank", "remove", "Recruit"], "manage_ranks").await;
    server
        .does(MARSHAL, &["rank", "remove", "recruit"], "Recruit was removed", "select count(*) from ranks", "5")
        .await;
    server.run(MARSHAL, &["rank", "set", "Fledgling"]).await.expect(2, &["say what of the rank is to change"]);
    server
        .run(MARSHAL, &["rank", "set", "Fledgling", "--clearance", "secret"])
        .await
        .expect(2, &["\"secret\" is none of"]);
    server.run(MARSHAL, &["rank", "set", "Fledglin", "--level", "9"]).await.expect(2, &["did you mean \"Fledgling\"?"]);
}

/// CA1, AL1: categories, access levels and the commander by command.
#[tokio::test]
async fn categories_access_levels_and_the_commander_are_managed_by_who_may() {
    let server = Server::new().await;
    let category = "select string_agg(name || coalesce(': ' || description, ''), ', ') from objective_categories
        where name like 'Re%'";
    let add = ["category", "add", "Rescue", "--description", "Get people home."];
    server.refuses(STARHAND, &add, "manage_objectives").await;
    server.does(BOATSWAIN, &add, "category Rescue was added", category, "Rescue: Get people home.").await;
    server.refuses(STARHAND, &["category", "rename", "Rescue", "Relief"], "manage_objectives").await;
    let rename = ["category", "rename", "rescue", "Relief"];
    server.does(BOATSWAIN, &rename, "Relief", category, "Relief: Get people home.").await;
    server.refuses(STARHAND, &["category", "remove", "Combat"], "manage_objectives").await;
    let combat = "select count(*) from objectives where categories && array(
        select id from objective_categories where name = 'Combat')";
    server.does(BOATSWAIN, &["category", "remove", "Combat"], "Combat was removed", combat, "0").await;

    let access =
        "select string_agg(name || ' ' || user_actions::text, ', ') from access_levels where name ~ '^(Lo|Cl)'";
    let add = ["access", "add", "Logbook", "manage_tasks,view_tasks"];
    server.refuses(MARSHAL, &add, "manage_guilds").await;
    server.does(ARCHON, &add, "access level Logbook was added", access, "Logbook {view_tasks,manage_tasks}").await;
    server.refuses(MARSHAL, &["access", "set", "Logbook", "view_tasks"], "manage_guilds").await;
    let set = ["access", "set", "logbook", "view_tasks", "--name", "Clerk"];
    server.does(ARCHON, &set, "actions view_tasks", access, "Clerk {view_tasks}").await;
    server.run(ARCHON, &["access", "add", "X", "manage_task"]).await.expect(2, &["did you mean manage_tasks?"]);
    server.refuses(ARCHON, &["access", "remove", "Crew"], "is in use by rank").await;
    server.refuses(MARSHAL, &["access", "remove", "Clerk"], "manage_guilds").await;
    server.does(ARCHON, &["access", "remove", "Clerk"], "Clerk was removed", access, "null").await;

    let path = server.demo.folder.path().join("tone.txt");
    std::fs::write(&path, "Short words only.\n").unwrap();
    let set = ["commander", "set", "--name", "Lookout", "--user-prompt", path.to_str().unwrap()];
    server.refuses(MARSHAL, &set, "manage_guilds").await;
    let tone = "select name || ': ' || user_prompt from ai_commanders";
    server.does(ARCHON, &set, "user prompt Short words only.", tone, "Lookout: Short words only.").await;
    let shown = server.run(STARHAND, &["commander", "show"]).await;
    assert!(shown.expect(0, &[]).stdout.contains("Lookout"), "{shown:?}");
}

/// G2: what is done is one JSON object, in the journal as of the member, and taken back by a dry run. Lists are
/// for everybody, an object a line.
#[tokio::test]
async fn what_was_done_can_be_read_by_scripts() {
    let server = Server::new().await;
    let rank = ["--json", "member", "rank", "static", "starhand"];
    let before = server.demo.guild_rows().await;
    let dry: Vec<&str> = std::iter::once("--dry-run").chain(rank).collect();
    server.run(MARSHAL, &dry).await.expect(0, &[]);
    assert!(before == server.demo.guild_rows().await, "a dry run changes nothing");
    let done = server.run(MARSHAL, &rank).await.turn();
    assert_eq!(
        done.to_string(),
        r#"{"commands":[{"action":"member.set_rank","member":"Static","rank":"Starhand"}],"outcome":"applied","reply":"member Static was changed: rank Starhand"}"#
    );
    let journal = server.demo.journal().await;
    assert_eq!(journal.len(), 1);
    assert_eq!((&journal[0]["member_name"], &journal[0]["source"]), (&Value::from(MARSHAL), &Value::from("command")));
    assert_eq!(journal[0]["commands"], done["commands"]);
    let undone = server.run(MARSHAL, &["--json", "say", "undo that"]).await.turn();
    assert_eq!(undone["outcome"], "applied", "what was done by command is taken back by voice: {undone}");
    let stands = "select r.name from users u join ranks r on r.id = u.rank where u.name = 'Static'";
    assert_eq!(server.owner(stands).await, "Fledgling");
    server.run(MARSHAL, &rank).await.expect(0, &[]);
    for (kind, count, line) in [
        (
            "member",
            25,
            r#"{"name":"Biscuit","rank":"Starhand","squad":"Quarry Gang","availability":"offline","phonetic":null}"#,
        ),
        ("squad", 4, r#"{"name":"Longhaul","lead":"Siobhan Kerr","phonetic":null,"members":4}"#),
        (
            "rank",
            5,
            r#"{"level":2,"name":"Marshal","clearance":"classified","access":["Crew","Missions","Roster"],"phonetic":null,"members":2}"#,
        ),
        ("category", 5, r#"{"name":"Science","description":null,"phonetic":null}"#),
        ("access", 4, r#"{"name":"Council","actions":["#),
    ] {
        let listed = server.run("Yllandra", &["--json", kind, "list"]).await;
        assert_eq!(listed.turns().len(), count, "{kind}");
        assert!(listed.stdout.contains(line), "{kind}: {listed:?}");
        let table = server.run("Yllandra", &[kind, "list"]).await;
        assert_eq!(table.stdout.lines().count(), count + 1, "{kind}: {table:?}");
    }
}

/// G2: nothing of another guild is named, changed or found, whatever it is called there.
#[tokio::test]
async fn another_guild_is_not_learnt_of() {
    let server = Server::new().await;
    let other = server.demo.folder.path().join("other.toml");
    let text = std::fs::read_to_string(FILE).unwrap().replace("Perihelion Company", "Hollow Crown");
    let text = text.replace("Longhaul", "Quietwater").replace("Biscuit", "Marrowgate").replace("Fledgling", "Waxwing");
    std::fs::write(&other, text).unwrap();
    let mut import = server.demo.program();
    import.args(["guild", "import", other.to_str().unwrap()]);
    run(import).await.expect(0, &[]);
    let before = server.demo.guild_rows().await;
    for args in [
        &["squad", "disband", "Quietwater"][..],
        &["squad", "rename", "Quietwate", "X"],
        &["member", "remove", "Marrowgate"],
        &["member", "rank", "Static", "Waxwing"],
        &["rank", "set", "Waxwing", "--level", "9"],
    ] {
        let run = server.run(ARCHON, args).await;
        let told = run.stderr.replace(&args.join(" "), "");
        run.expect(2, &["of Perihelion Company is called"]);
        assert!(!told.contains("did you mean") && !told.contains("Hollow"), "{args:?}: {run:?}");
    }
    assert!(before == server.demo.guild_rows().await);
    // A name that is taken there is free here.
    let made = "select count(*) from squads where name = 'Quietwater'";
    server.does(ARCHON, &["squad", "create", "Quietwater"], "was added", made, "2").await;
    for kind in ["member", "squad", "rank", "category", "access"] {
        let listed = server.run(ARCHON, &["--json", kind, "list"]).await;
        let told = listed.stdout.replace(r#""name":"Quietwater""#, "");
        assert!(["Hollow", "Quietwater", "Marrowgate", "Waxwing"].iter().all(|name| !told.contains(name)), "{told}");
    }
}

/// I-9: the owner of the database needs no member's right, on a server and on the embedded database; what is in use is
/// cleared or refused just the same.
#[tokio::test]
async fn the_owner_manages_any_guild() {
    let demo = Demo::new().await;
    let folder = folder();
    let embedded = || program(folder.path());
    let mut import = embedded();
    import.args(["guild", "import", FILE]);
    run(import).await.expect(0, &[]);
    for keeper in [&embedded as &dyn Fn() -> Command, &|| demo.program()] {
        for (args, code, says) in [
            (&["member", "add", "Nova", "--rank", "Archon"][..], 0, "member Nova was added: rank Archon"),
            (&["member", "remove", OTHER_MARSHAL], 0, "Siobhan Kerr was removed"),
            (&["squad", "disband", "Ember Flight"], 0, "Ember Flight was removed"),
            (&["rank", "remove", "Starhand"], 1, "members hold this rank"),
            (&["access", "remove", "Crew"], 1, "is in use by rank"),
            (&["category", "remove", "Combat"], 0, "Combat was removed"),
            (&["commander", "set", "--name", "Lookout"], 0, "name Lookout"),
            (&["squad", "list"], 0, "Longhaul"),
        ] {
            let mut command = keeper();
            command.args(args);
            let run = run(command).await;
            run.expect(code, &[]);
            assert!(format!("{}{}", run.stdout, run.stderr).contains(says), "{args:?}: {run:?}");
        }
    }
    assert_eq!(demo.number("select count(*) from users where squad_id is not null").await, 11);
    assert_eq!(demo.number("select count(*) from journal").await, 0);
}
