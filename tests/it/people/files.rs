//! A guild file out and in with a member's own rights.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::path::PathBuf;

use super::{ARCHON, BOATSWAIN, MARSHAL, STARHAND, Server};
use crate::support::demo::{Run, changed};

/// A text of each section, as the demo guild has it.
const BRIEF: &str = "Take the Headhunter relay station";
const TACTICAL: &str = "Ember Flight jams the relay";
const CLASSIFIED: &str = "night watch is paid";

impl Server {
    /// Lets one objective be seen from boatswains up.
    async fn hide_the_convoy(&self) {
        let hide = "update objectives set applicable_rank = 'Boatswain' where name = 'Ghost Convoy'";
        sqlx::raw_sql(hide).execute(&self.demo.db.pool).await.unwrap();
    }

    async fn export(&self, member: &str) -> String {
        let run = self.run(member, &["guild", "export"]).await;
        run.expect(0, &[]).stdout.clone()
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.demo.folder.path().join("guild.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn import(&self, member: &str, text: &str) -> Run {
        let path = self.file(text);
        self.run(member, &["--json", "guild", "import", path.to_str().unwrap()]).await
    }

    /// An import that is refused, with what it says, and changes nothing.
    async fn import_refused(&self, member: &str, text: &str, says: &[&str]) {
        let before = self.demo.guild_rows().await;
        self.import(member, text).await.expect(1, says);
        let after = self.demo.guild_rows().await;
        assert!(before == after, "{member} changed {:?}", changed(&before, &after));
    }
}

/// J3, J4: an export holds no byte above its member's clearance, and nothing of objectives for ranks above; it says for
/// whom it was written.
#[tokio::test]
async fn an_export_holds_what_its_member_may_see() {
    let server = Server::new().await;
    server.hide_the_convoy().await;
    for (member, tactical, classified, convoy) in
        [(STARHAND, false, false, false), (BOATSWAIN, true, false, true), (MARSHAL, true, true, true)]
    {
        let text = server.export(member).await;
        let has = |part: &str| text.contains(part);
        assert!(text.starts_with(&format!("# Perihelion Company, as far as {member} may see it")), "{text}");
        assert!(has(BRIEF), "{member}");
        assert_eq!((has(TACTICAL), has("tactical = ")), (tactical, tactical), "{member}");
        assert_eq!((has(CLASSIFIED), has("classified = ")), (classified, classified), "{member}");
        let hidden = ["Ghost Convoy", "Plot the Jump", "free clinics"];
        assert!(hidden.iter().all(|part| has(part) == convoy), "{member}: {text}");
        assert!(!has("password") && !has("argon2"), "{member}");
    }
}

/// J3, J4: what a member exported and imports again changes nothing, least of all what the member does not see; neither
/// does the file of a lower rank in the hands of a higher one.
#[tokio::test]
async fn an_import_leaves_alone_what_the_file_does_not_hold() {
    let server = Server::new().await;
    server.hide_the_convoy().await;
    let before = server.demo.guild_rows().await;
    let mut last = String::new();
    for member in [MARSHAL, BOATSWAIN, STARHAND] {
        last = server.export(member).await;
        let report = server.import(member, &last).await;
        report.expect(0, &[]);
        assert!(!report.stdout.contains(r#""created":1"#) && report.stdout.contains(r#""changed":0"#), "{report:?}");
        let after = server.demo.guild_rows().await;
        assert!(before == after, "{member} changed {:?}", changed(&before, &after));
    }
    let edited = last.replace("Strip forty derelict hulls", "Strip fifty derelict hulls");
    server.import_refused(STARHAND, &edited, &["objective \"Reclaimer Season\"", "may manage objectives"]).await;
    server.import(BOATSWAIN, &edited).await.expect(0, &[]);
    let mut after = server.demo.guild_rows().await;
    assert_eq!(changed(&before, &after).into_iter().collect::<Vec<_>>(), ["objectives Reclaimer Season"]);
    let row = after.values_mut().find(|row| row["name"] == "Reclaimer Season").unwrap();
    assert!(row["description"]["brief"].as_str().unwrap().starts_with("Strip fifty"));
    assert!(row["description"]["classified"].as_str().unwrap().starts_with("One of the hulls"), "{row}");
}

/// A file that makes something of each kind, with a squad led by a member who is new with it.
const MORE: &str = "
[guild]
name = \"Perihelion Company\"
[[rank]]
name = \"Cadet\"
hierarchy_level = 6
[[squad]]
name = \"Iron Hand\"
lead = \"Nova\"
[[member]]
name = \"Nova\"
rank = \"Cadet\"
squad = \"Iron Hand\"
[[member]]
name = \"Static\"
squad = \"Iron Hand\"
availability = \"busy\"
[[category]]
name = \"Rescue\"
[[category]]
name = \"Trade\"
[[objective]]
name = \"Long Night\"
status = \"on_hold\"
categories = [\"Rescue\"]
lead = \"Nova\"
squad = \"Iron Hand\"
brief = \"Wait.\"
classified = \"Wait at the moon.\"
progress = 30
[objective.metrics]
target_value = 10
[[objective.task]]
name = \"Warm the Engines\"
lead = \"Nova\"
schedule = { duration = 20 }
[[objective]]
name = \"Copper Harvest\"
classified = \"\"
categories = [\"Rescue\", \"Trade\"]
[objective.metrics]
current_value = 150
";

/// RA3, J4: all or nothing with the member's rights: each thing that the member may not is named with what it takes.
#[tokio::test]
async fn an_import_is_carried_out_with_the_member_s_rights() {
    let server = Server::new().await;
    server.import_refused(STARHAND, MORE, &["nothing was imported: rank \"Cadet\"", "manage_ranks"]).await;
    server.import_refused(BOATSWAIN, MORE, &["nothing was imported: rank \"Cadet\"", "manage_ranks"]).await;
    // Without people in it, all but the classified section is the boatswain's to write.
    let objectives = format!("[guild]\nname = \"perihelion company\"\n{}", &MORE[MORE.find("[[category]]").unwrap()..]);
    let objectives = objectives.replace("lead = \"Nova\"\n", "").replace("squad = \"Iron Hand\"\n", "");
    let objectives = objectives.replace("perihelion company", "Perihelion Company");
    let says = ["objective \"Long Night\"", "the section classified takes manage_objectives and its clearance"];
    server.import_refused(BOATSWAIN, &objectives, &says).await;
    let plain = objectives.replace("classified = \"Wait at the moon.\"\n", "");
    server.import(BOATSWAIN, &plain).await.expect(0, &[]);
    let kept = "select description ->> 'classified' from objectives where name = 'Copper Harvest'";
    assert!(server.owner(kept).await.starts_with("The buyer pays double"), "what one does not see cannot be cleared");

    server.import(MARSHAL, MORE).await.expect(0, &[]);
    let nova = "select concat_ws('|', u.name, r.name, s.name, l.name) from users u join ranks r on r.id = u.rank
        join squads s on s.id = u.squad_id join users l on l.id = s.squad_lead where u.name = 'Nova'";
    assert_eq!(server.owner(nova).await, "Nova|Cadet|Iron Hand|Nova");
    let night = "select concat_ws('|', o.status, o.progress, o.description ->> 'classified', u.name, s.name, t.name,
            t.schedule ->> 'duration', o.description -> 'metrics' ->> 'target_value')
        from objectives o join users u on u.id = o.lead_id join squads s on s.id = o.squad_id
        join tasks t on t.objective_id = o.id and t.lead_id = u.id where o.name = 'Long Night'";
    assert_eq!(server.owner(night).await, "on_hold|30|Wait at the moon.|Nova|Iron Hand|Warm the Engines|20|10");
    let copper =
        "select concat_ws('|', o.description -> 'classified', o.description -> 'metrics' ->> 'current_value', (
            select string_agg(c.name, ',' order by c.name) from objective_categories_junction j
            join objective_categories c on c.id = j.category_id where j.objective_id = o.id))
        from objectives o where o.name = 'Copper Harvest'";
    assert_eq!(server.owner(copper).await, "150|Rescue,Trade");
    let again = server.import(MARSHAL, MORE).await;
    assert!(!again.stdout.contains(r#""changed":1"#) && !again.stdout.contains(r#""created":1"#), "{again:?}");

    let council = "[guild]\nname = \"Perihelion Company\"\n[[access_level]]\nname = \"Crew\"\nuser_actions = []\n";
    server.import_refused(MARSHAL, council, &["access level \"Crew\"", "manage_guilds"]).await;
    let about = "[guild]\nname = \"Perihelion Company\"\ndescription = \"We fly.\"\n";
    server.import_refused(MARSHAL, about, &["description and limits are changed by members with manage_guilds"]).await;
    server.import(ARCHON, about).await.expect(0, &[]);
    assert_eq!(server.owner("select description from guilds").await, "We fly.");
    let limits = "[guild]\nname = \"Perihelion Company\"\n[guild.limits]\njournal_days = 30\n";
    server.import_refused(MARSHAL, limits, &["changed by members with manage_guilds"]).await;
    server.import(ARCHON, limits).await.expect(0, &[]);
    assert_eq!(server.owner("select description || journal_days from guilds").await, "We fly.30");
    let secret = "[guild]\nname = \"Perihelion Company\"\n[[member]]\nname = \"Tadhg\"\npassword_env = \"HOME\"\n";
    assert!(server.import(ARCHON, secret).await.stdout.contains("a member's import sets none"));
    let other = server.import(ARCHON, "[guild]\nname = \"Hollow Crown\"\n").await;
    other.expect(2, &["other guilds are brought in by the operator"]);
    server.import_refused(ARCHON, "[guild]\nname = \"PERIHELION company\"\n", &["renamed by the operator"]).await;
}
