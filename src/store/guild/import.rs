//! A guild file into the database.

use sqlx::{PgConnection, PgPool, query};
use uuid::Uuid;

use super::plan::ImportPlan;
use super::rows::{self, GuildRows};
use super::{GuildError, ImportReport, LOCK_WAIT_MAX, passwords, write};
use crate::guild_file::GuildFile;

/// Brings a guild to what the file says, in one transaction. Things are matched by their names, whatever the case:
/// objectives of the same name in the order they were made, tasks within their objective. What the file does not
/// name is left alone; a second import of the same file changes nothing, not even `updated_at`.
///
/// # Errors
/// Every [`GuildError`] but `Unknown` and `Unwritable`; after an error nothing is changed.
pub(crate) async fn guild_import(pool: &PgPool, file: &GuildFile) -> Result<ImportReport, GuildError> {
    let mut transaction = pool.begin().await?;
    query!("select set_config('lock_timeout', $1, true)", LOCK_WAIT_MAX).fetch_one(&mut *transaction).await?;
    // One import at a time: two files could bring the same guild, and neither would see the other's rows.
    query!("select pg_advisory_xact_lock(hashtextextended('sphereconnect guild import', 0))")
        .fetch_one(&mut *transaction)
        .await?;
    // Ranks may change places.
    query!("set constraints uk_ranks_guild_hierarchy deferred").execute(&mut *transaction).await?;
    let stored = match rows::find(&mut transaction, file.name.as_str()).await? {
        Some(guild) => {
            lock(&mut transaction, guild.id).await?;
            rows::load(&mut transaction, guild, rows::Sections::All).await?
        }
        None => GuildRows::default(),
    };
    let plan = ImportPlan::new(&stored, file);
    write::write_guild(&mut transaction, &plan.guild).await?;
    let created = plan.guild.created.first().map(|guild| guild.id);
    if let Some(guild) = created.or(stored.guild.as_ref().map(|guild| guild.id)) {
        write::write(&mut transaction, guild, &plan).await?;
    }
    let mut report = plan.report(file);
    passwords::write(&mut transaction, file, &mut report).await?;
    transaction.commit().await?;
    Ok(report)
}

/// Holds the guild's rows, so that nothing said meanwhile is lost between reading and writing.
async fn lock(connection: &mut PgConnection, guild: Uuid) -> sqlx::Result<()> {
    query!("select from guilds where id = $1 for no key update", guild).fetch_all(&mut *connection).await?;
    query!("select from ranks where guild_id = $1 for no key update", guild).fetch_all(&mut *connection).await?;
    query!("select from squads where guild_id = $1 for no key update", guild).fetch_all(&mut *connection).await?;
    query!("select from users where guild_id = $1 for no key update", guild).fetch_all(&mut *connection).await?;
    query!("select from objectives where guild_id = $1 for no key update", guild).fetch_all(&mut *connection).await?;
    query!("select from tasks where guild_id = $1 for no key update", guild).fetch_all(connection).await?;
    Ok(())
}
