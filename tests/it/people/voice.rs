//! Members and squads by voice, as typed words.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use serde_json::{Value, json};

use super::{BOATSWAIN, MARSHAL, OTHER_MARSHAL, STARHAND, Server};
use crate::support::demo::changed;

impl Server {
    async fn say(&self, member: &str, texts: &[&str]) -> Vec<Value> {
        let words: Vec<&str> = ["--json", "say", "--"].iter().chain(texts).copied().collect();
        self.run(member, &words).await.turns()
    }

    /// The order is refused, and nothing is changed.
    async fn says_no(&self, member: &str, text: &str) {
        let before = self.demo.guild_rows().await;
        let turns = self.say(member, &[text]).await;
        assert_eq!(turns[0]["outcome"], "refused", "{member}: {text}: {}", turns[0]);
        let after = self.demo.guild_rows().await;
        assert!(before == after, "{member}: {text} changed {:?}", changed(&before, &after));
    }

    /// The order is carried out as these commands, and the database gives this answer then.
    async fn says_yes(&self, member: &str, texts: &[&str], commands: Value, query: &str, gives: &str) {
        let turns = self.say(member, texts).await;
        let last = turns.last().unwrap();
        assert_eq!(
            (&last["outcome"], &last["commands"]),
            (&json!("applied"), &commands),
            "{member}: {texts:?}: {last}"
        );
        assert_eq!(self.owner(query).await, gives, "{member}: {texts:?}");
    }
}

fn squad_of(member: &str) -> String {
    format!("select s.name from users u join squads s on s.id = u.squad_id where u.name = '{member}'")
}

/// US3, SQ3: every action about members and squads by voice, as a rank that may and as one that may not.
#[tokio::test]
async fn members_and_squads_by_voice() {
    let server = Server::new().await;
    let of = "select availability from users where name = 'Biscuit'";
    server.says_no(STARHAND, "mark Biscuit as busy").await;
    let done = json!([{ "action": "member.set_availability", "member": "Biscuit", "availability": "busy" }]);
    server.says_yes(MARSHAL, &["mark Biscuit as busy"], done, of, "busy").await;
    let own = json!([{ "action": "member.set_availability", "member": STARHAND, "availability": "in_game" }]);
    let query = "select availability from users where name = 'Tzipora'";
    server.says_yes(STARHAND, &["set my availability to in game"], own, query, "in_game").await;

    let rank = "select r.name from users u join ranks r on r.id = u.rank where u.name = 'Static'";
    server.says_no(BOATSWAIN, "promote Static to Starhand").await;
    server.says_no(MARSHAL, "promote Static to Marshal").await;
    server.says_no(MARSHAL, "promote me to Archon").await;
    let done = json!([{ "action": "member.set_rank", "member": "Static", "rank": "Starhand" }]);
    server.says_yes(MARSHAL, &["promote Static to Starhand"], done, rank, "Starhand").await;

    server.says_no(STARHAND, "add Harbor to squad Longhaul").await;
    let done = json!([{ "action": "member.set_squad", "member": "Harbor", "squad": "Longhaul" }]);
    server.says_yes(MARSHAL, &["add Harbor to squad Longhaul"], done, &squad_of("Harbor"), "Longhaul").await;
    let done = json!([{ "action": "member.set_squad", "member": "Yllandra", "squad": "Longhaul" }]);
    server.says_yes("Yllandra", &["join squad Longhaul"], done, &squad_of("Yllandra"), "Longhaul").await;

    let squad = "select concat_ws('|', s.name, u.name) from squads s join users u on u.id = s.squad_lead
        where s.name = 'Iron Lantern'";
    server.says_no(BOATSWAIN, "create squad Iron Lantern with lead Oswin Dray").await;
    let done = json!([{ "action": "squad.create", "name": "Iron Lantern", "lead": "Oswin Dray" }]);
    let text = "create squad Iron Lantern with lead Oswin Dray";
    server.says_yes(MARSHAL, &[text], done, squad, "Iron Lantern|Oswin Dray").await;
    server.says_no(BOATSWAIN, "set the lead of squad Iron Lantern to Harbor").await;
    let done = json!([{ "action": "squad.set_lead", "squad": "Iron Lantern", "member": "Harbor" }]);
    let text = "set the lead of squad Iron Lantern to Harbor";
    server.says_yes(MARSHAL, &[text], done, squad, "Iron Lantern|Harbor").await;

    server.says_no(BOATSWAIN, "disband squad Longhaul").await;
    let asked = server.say(MARSHAL, &["disband squad Longhaul"]).await;
    assert_eq!(asked[0]["outcome"], "asked", "{asked:?}");
    let count = "select count(*) from squads where name = 'Longhaul'";
    assert_eq!(server.owner(count).await, "1", "it waits for a word");
    server.say(MARSHAL, &["disband squad Longhaul", "no"]).await;
    assert_eq!(server.owner(count).await, "1");
    let done = json!([{ "action": "squad.disband", "squad": "Longhaul" }]);
    server.says_yes(OTHER_MARSHAL, &["disband squad Longhaul", "yes"], done, count, "0").await;
    assert_eq!(server.owner(&squad_of("Harbor")).await, "null");
}

/// SQ3: leaving a squad by voice, one's own for everybody and another's with the right; a squad that the member is not
/// in is asked about, and leaves things as they are.
#[tokio::test]
async fn leaving_a_squad_by_voice() {
    let server = Server::new().await;
    let left = |member: &str| json!([{ "action": "member.set_squad", "member": member, "squad": null }]);
    server.says_yes(STARHAND, &["leave my squad"], left(STARHAND), &squad_of(STARHAND), "null").await;
    let turns = server.say(STARHAND, &["leave my squad"]).await;
    assert_eq!(turns[0]["reply"], "Tzipora is in no squad.");
    server.says_yes("Biscuit", &["I'm leaving squad Quarry Gang"], left("Biscuit"), &squad_of("Biscuit"), "null").await;
    let text = "remove me from Longhaul";
    server.says_yes("QuillFeather", &[text], left("QuillFeather"), &squad_of("QuillFeather"), "null").await;

    server.says_no(BOATSWAIN, "take Xiulan out of squad Quarry Gang").await;
    server.says_no(STARHAND, "kick Xiulan out of the squad").await;
    let text = "take Xiulan out of squad Quarry Gang";
    server.says_yes(MARSHAL, &[text], left("Xiulan"), &squad_of("Xiulan"), "null").await;
    server.says_yes(MARSHAL, &["remove Static from Ember Flight"], left("Static"), &squad_of("Static"), "null").await;

    let before = server.demo.guild_rows().await;
    for text in ["I'm leaving squad Longhaul", "take Bjornulf out of squad Longhaul", "remove Bjornulf from Longhaul"] {
        let turns = server.say(MARSHAL, &[text]).await;
        assert_eq!(turns[0]["outcome"], "asked", "{text}: {}", turns[0]);
        assert_eq!(turns[0]["reply"], "Nobody leaves Longhaul without being in it. Which squad is meant?", "{text}");
    }
    for text in [
        "leave squad Ember Flight out of this",
        "leave squad Ember Flight on station",
        "I left squad Ember Flight",
        "do not leave squad Ember Flight",
        "take Bjornulf out of the fight",
        "Bjornulf is leaving squad Ember Flight",
        "drop me at Ember Flight",
    ] {
        let turns = server.say(MARSHAL, &[text]).await;
        assert_ne!(turns[0]["outcome"], "applied", "{text}: {}", turns[0]);
    }
    let after = server.demo.guild_rows().await;
    assert!(before == after, "{:?}", changed(&before, &after));
}
