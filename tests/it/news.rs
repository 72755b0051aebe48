//! What a program that runs for hours is told while it runs: names that change, and words to the whole guild.

use std::sync::Arc;
use std::time::Duration;

use crate::support::demo::{ARCHON, Demo};
use crate::support::{PASSWORD, TestDb};
use sphereconnect::config::Config;
use sphereconnect::domain::UtteranceId;
use sphereconnect::parts;
use sphereconnect::turn::{Input, Turn, Turns};

const GUILD: &str = "Perihelion Company";
/// The longest wait for the database's word; it takes milliseconds.
const TOLD_MAX: Duration = Duration::from_secs(20);

async fn turns(db: &TestDb, member: &str) -> Turns {
    let url = db.app_url().await;
    let config = Config::load(None, |name| match name {
        "SPHERECONNECT_DATABASE_URL" => Some(url.clone()),
        "SPHERECONNECT_PASSWORD" => Some(PASSWORD.to_owned()),
        _ => None,
    });
    let config = config.unwrap();
    let store = parts::store(&config).await.map_err(|failure| failure.error).unwrap();
    let session = store.sign_in(Some(GUILD), Some(member)).await.unwrap();
    let commander = parts::commander(&config).map_err(|failure| failure.error).unwrap();
    Turns::new(Arc::clone(&store), session, commander, None, parts::turn_settings(&config, false))
}

async fn say(turns: &mut Turns, text: &str) -> Turn {
    turns.take(Input::Typed { id: UtteranceId::new(), text: text.to_owned() }).await
}

/// Asks until the reply is the one that is waited for.
async fn until(turns: &mut Turns, text: &str, reply: &str) {
    let asked = async {
        loop {
            let turn = say(turns, text).await;
            if turn.reply.contains(reply) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(TOLD_MAX, asked).await.is_ok(), "{text:?} is never answered with {reply:?}");
}

/// One roster drives everything: what another member renames, creates or hides is known to a program that runs already,
/// and its own changes are known to its very next order.
#[tokio::test]
async fn names_that_change_are_known_without_a_restart() {
    let demo = Demo::new().await;
    let mut turns = turns(&demo.db, ARCHON).await;
    let _heard = turns.follow().await.unwrap();
    let before = say(&mut turns, "status of Copper Lanterns").await;
    assert!(!before.reply.contains("Copper Lanterns is"), "{before:?}");
    let renamed = "update objectives set name = 'Copper Lanterns' where name = 'First Light Survey'";
    sqlx::query(renamed).execute(&demo.db.pool).await.unwrap();
    until(&mut turns, "status of Copper Lanterns", "Copper Lanterns is").await;
    for round in ["one", "two", "three"] {
        let made = say(&mut turns, &format!("Create task polish lantern {round} for Copper Lanterns")).await;
        assert!(made.reply.contains("is created"), "{made:?}");
        let asked = say(&mut turns, &format!("What is the status of task polish lantern {round}")).await;
        assert!(asked.reply.contains("pending"), "{asked:?}");
    }
    // Nothing tells for a while: the listening connection is cut, and made again.
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'")
        .execute(&demo.db.pool)
        .await
        .unwrap();
    let again = "update objectives set name = 'Silver Lanterns' where name = 'Copper Lanterns'";
    sqlx::query(again).execute(&demo.db.pool).await.unwrap();
    until(&mut turns, "status of Silver Lanterns", "Silver Lanterns is").await;
    turns.close().await;
}

/// A broadcast reaches who listens, but not the one who speaks; who may not is refused; it cannot be taken back.
#[tokio::test]
async fn a_broadcast_is_heard_by_the_others() {
    let demo = Demo::new().await;
    let mut speaker = turns(&demo.db, ARCHON).await;
    let mut listener = turns(&demo.db, "Veshkar").await;
    let mut own = speaker.follow().await.unwrap();
    let mut heard = listener.follow().await.unwrap();
    let refused = say(&mut listener, "Tell everyone the dock is closed").await;
    assert!(refused.reply.contains("may not manage guilds"), "{refused:?}");
    let said = say(&mut speaker, "Tell everyone the dock is closed").await;
    assert_eq!(said.reply, "Said to everyone: The dock is closed.");
    let told = tokio::time::timeout(TOLD_MAX, heard.recv()).await.unwrap().unwrap();
    assert_eq!((told.member.as_str(), told.message.as_str()), (ARCHON, "The dock is closed"));
    let undone = say(&mut speaker, "undo").await;
    assert!(undone.reply.contains("cannot be put back"), "{undone:?}");
    assert!(own.try_recv().is_err());
    assert_eq!(demo.number("select count(*) from broadcasts").await, 1);
    speaker.close().await;
    listener.close().await;
}
