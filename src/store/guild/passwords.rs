//! The passwords that a guild file names by their environment variables.

use secrecy::SecretString;
use sqlx::PgConnection;

use super::{Count, GuildError, ImportReport};
use crate::guild_file::GuildFile;
use crate::secrets::{self, SecretKind};
use crate::store::sign_in_key;

/// Makes each variable's value the member's password, unless it is that already. A variable that is not set is a
/// warning: the file may have been made for another machine.
pub(super) async fn write(
    connection: &mut PgConnection,
    file: &GuildFile,
    report: &mut ImportReport,
) -> Result<(), GuildError> {
    let mut count = Count::default();
    for member in &file.members {
        let Some(variable) = &member.password_env else { continue };
        let name = member.name.as_str();
        let Some(password) = std::env::var(variable).ok().filter(|value| !value.is_empty()) else {
            report.warnings.push(format!(
                "the password of \"{name}\" is not set: the environment variable {variable} is empty or missing"
            ));
            continue;
        };
        let password = SecretString::from(password);
        let refused = |reason: String| GuildError::Password { member: name.to_owned(), reason };
        secrets::check(SecretKind::Password, &password, name).map_err(|error| refused(error.to_string()))?;
        let row = sqlx::query!(
            "select u.guild_id, u.id, u.password from users u join guilds g on g.id = u.guild_id
            where lower(g.name) = lower($1) and lower(u.name) = lower($2)",
            file.name.as_str(),
            name
        )
        .fetch_one(&mut *connection)
        .await?;
        match &row.password {
            Some(verifier) if sign_in_key::verifies(verifier, &password).await => {
                count.unchanged += 1;
                continue;
            }
            Some(_) => count.changed += 1,
            None => count.created += 1,
        }
        let verifier = sign_in_key::verifier(&password).await.map_err(|error| refused(error.to_string()))?;
        sqlx::query!("select secret_write($1, $2, 'password', $3)", row.guild_id, row.id, verifier)
            .execute(&mut *connection)
            .await?;
    }
    if count != Count::default() {
        report.tables.push(("passwords", count));
    }
    Ok(())
}
